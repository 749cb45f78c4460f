"""Folders of masks as other programs write them, opened as predictions and as truth."""

"""Regions of masks: runs of pixels, and the objects and holes that they make"""

"""Frames of a video, to be labelled."""

"""Masks of images by an endpoint, a batch transform, or the artefact on this machine."""

"""Pixels that people see: colours, overlays, legends, thumbnails."""

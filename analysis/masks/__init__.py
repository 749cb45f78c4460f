"""Crops of truth and prediction read, blended and stitched to full size."""

"""Crops of truth and prediction read, blended and stitched to full size, and how wrong they are at their edges."""

"""Counts, scores and their intervals; objects, outlines, seams, thresholds."""

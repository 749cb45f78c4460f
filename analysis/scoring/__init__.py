"""Counts, scores and their intervals; objects, outlines, thresholds, suspicious labels."""

"""Predictions for other programs: cutouts, tints, submissions, and labels for annotation tools."""

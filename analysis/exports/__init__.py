"""Predictions for other programs: cutouts, tints, submissions, labelme, Label Studio."""

"""Predictions for other programs: cutouts, tints, submissions, labelme, CVAT, Label Studio."""

"""Predictions for other programs: cutouts, tints, submissions, labelme, COCO."""

"""YOLO's text files for segmentation: a row of class and polygon for each object, in shares of the image."""

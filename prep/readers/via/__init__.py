"""VGG Image Annotator (VIA) 2: entries of images by their places in the JSON file, and their shapes, drawn."""

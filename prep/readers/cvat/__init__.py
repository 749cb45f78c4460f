"""CVAT's XML, "for images" and "for video": read by parts, matched with images and frames, drawn."""

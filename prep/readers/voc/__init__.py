"""Pascal VOC's layout, as VOC itself, CVAT and Datumaro write it: masks, lists of images, where images lie."""

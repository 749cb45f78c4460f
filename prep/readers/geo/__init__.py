"""Rasters on earth: tiles read by windows, and their labels, polygons or rasters of one grid."""

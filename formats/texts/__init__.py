"""JSON and CSV as other programs take them."""

"""COCO's annotation files, as COCO itself and the tools that export to it write them."""

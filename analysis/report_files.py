"""The names of the files inside a report's folder."""

from __future__ import annotations

PAGE, SCORES, IMAGES = "index.html", "scores.json", "images.csv"
OVERLAYS, STRIPS = "overlays", "strips"
LAYERS = {"image": "jpg", "pairs": "js"}
"""What the page zooms into at full size, each a folder below `layers/`, and their suffixes: the image, and which class
is true and which predicted at each pixel (`analysis.masks.pairs`)."""


IMAGE_COLUMNS = "columns/images.js"
"""Where what is known of each image lies inside a report of many, for the page's script."""


def columns_name(class_id: int) -> str:
    """Where the scores of one class in all images lie inside a report of many, for the page's script."""
    return f"columns/{class_id}.js"


def overlay_name(stem: str) -> str:
    """Where an image's full-size overlay lies inside the report."""
    return f"{OVERLAYS}/{stem}.jpg"


def strip_name(stem: str) -> str:
    """Where an image's strip lies inside the report."""
    return f"{STRIPS}/{stem}.jpg"


def layer_name(layer: str, stem: str) -> str:
    """Where one of an image's full-size layers lies inside the report."""
    return f"layers/{layer}/{stem}.{LAYERS[layer]}"

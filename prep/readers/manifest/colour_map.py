"""What the colours of a mask mean: internal-color-map, which each line of a manifest has for itself."""

from __future__ import annotations

import re
from typing import Any

from formats.errors import SagesegError
from prep.readers.colour_masks import Colour

BACKGROUND = "BACKGROUND"
"""The class that Ground Truth gives to what nobody painted."""
WHITE: Colour = (255, 255, 255)
"""The colour of BACKGROUND, always (Lookout for Vision developer guide, hex-color)."""
_HEX = re.compile(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_EXAMPLE = '{"1": {"class-name": "car", "hex-color": "#2ca02c"}}'
ColourMap = tuple[tuple[Colour, str], ...]
"""Colours and the names of their classes, in the order of the map."""


def read_colour_map(value: Any, place: str) -> ColourMap:
    """The colours of a map and their classes. Its keys say nothing: they differ between lines of one manifest.

    Raises SagesegError, naming `place` and key, for an entry without class or colour, and for a colour of two classes.
    """
    if not isinstance(value, dict) or not value:
        raise SagesegError(f"{place}: expected an object of colours and classes, such as {_EXAMPLE}")
    found: dict[Colour, str] = {}
    for key, entry in value.items():
        name, colour = _entry(entry, f"{place}: {key!r}")
        if found.setdefault(colour, name) != name:
            raise SagesegError(
                f"{place}: {key!r}: {name} has the colour of {found[colour]}, {entry['hex-color']}; expected a colour "
                "for each class"
            )
    return tuple(found.items())


def _entry(entry: Any, place: str) -> tuple[str, Colour]:
    name = entry.get("class-name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise SagesegError(f"{place}: no class-name; expected an entry as in {_EXAMPLE}")
    written = entry.get("hex-color")
    match = _HEX.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        said = f"hex-color {written!r}" if "hex-color" in entry else "no hex-color"
        raise SagesegError(f"{place}: {said} for {name}; expected the colour of its pixels, such as #2ca02c")
    red, green, blue = (int(level, 16) for level in match.groups())
    return name.strip(), (red, green, blue)

"""Letters for the names of classes, whatever script they are written in."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_NO_LETTER = "\U0010ffff"
"""Every font draws its box for it."""
_NO_LETTERS = "Last"
"""How the names of fonts begin that have a box for every letter there is: LastResort, Last Resort."""
_SUFFIXES = (".ttf", ".otf", ".ttc")
_LOOKED_AT = 16
"""Pixels of the em at which fonts are asked for their letters."""
_REGULAR = ("Regular", "Book", "Roman", "Normal")


@lru_cache(maxsize=256)
def drawable(text: str, em: int) -> tuple[str, Font]:
    """The text and a font of `em` pixels that has its letters: Pillow's own, or else the first such
    font of this machine. Where none has them, letters beyond ASCII become their numbers, such as
    `\\u9053`, which tell two names apart as boxes would not.
    """
    own = ImageFont.load_default(em)
    if _draws(own, text):
        return text, own
    path = _installed_font(frozenset(text))
    return (text, ImageFont.truetype(path, em)) if path else (text.encode("ascii", "backslashreplace").decode(), own)


def _draws(font: Font, text: str) -> bool:
    box = bytes(font.getmask(_NO_LETTER))
    return all(letter.isspace() or bytes(font.getmask(letter)) != box for letter in text)


@lru_cache(maxsize=256)
def _installed_font(letters: frozenset[str]) -> str | None:
    """The file of the first font of this machine that has all letters, those of a regular style before others."""
    text = "".join(sorted(letters))
    return next((path for path in _fonts() if _draws(ImageFont.truetype(path, _LOOKED_AT), text)), None)


@lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    """Font files that Pillow reads at any size."""
    found = []
    for path in {path for folder in font_folders() for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES}:
        try:
            family, style = ImageFont.truetype(path, _LOOKED_AT).getname()
        except OSError:  # broken, gone, or bitmaps of one size
            continue
        if not (family or "").lstrip(".").startswith(_NO_LETTERS):
            found.append((style not in _REGULAR, str(path)))
    return tuple(path for _, path in sorted(found))


def font_folders() -> list[Path]:
    """Where fonts lie on Linux, by freedesktop's base directories, on a Mac and on Windows."""
    home = Path.home()
    data = [os.environ.get("XDG_DATA_HOME") or home / ".local/share"]
    data += (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    others = [home / ".fonts", home / "Library/Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    return [
        *(Path(folder, "fonts") for folder in data),
        *map(Path, others),
        Path(os.environ.get("WINDIR", "/"), "Fonts"),
    ]

"""Letters for the names of classes, whatever script they are written in."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_NO_LETTER = "\U0010ffff"
"""Every font draws its box for it."""
_NO_LETTERS = "Last"
"""How the names of fonts begin that have a box for every letter there is: LastResort, Last Resort."""
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
    """The file of a font that has all letters: the one that matplotlib brings, or the first of this
    machine's, those of a regular style before others."""
    wanted = {ord(letter) for letter in letters if not letter.isspace()}
    return next((path for path, known in _fonts() if wanted <= known), None)


@lru_cache(maxsize=1)
def _fonts() -> tuple[tuple[str, frozenset[int]], ...]:
    """Font files and the letters that they have."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import findSystemFonts
    from matplotlib.ft2font import FT2Font

    found = []
    for path in [f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", *sorted(findSystemFonts())]:
        try:
            font = FT2Font(path)
        except (OSError, RuntimeError):  # listed, but gone or broken
            continue
        if not font.family_name.lstrip(".").startswith(_NO_LETTERS):
            found.append((font.style_name not in _REGULAR, path, frozenset(font.get_charmap())))
    return tuple((path, letters) for _, path, letters in found[:1] + sorted(found[1:], key=lambda font: font[:2]))

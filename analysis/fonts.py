"""Letters for the names of classes, whatever script they are written in."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_NO_LETTER = "\U0010ffff"
"""Every font draws its box for it."""
_NO_LETTERS = "Last Resort"
"""A font that matplotlib brings; it has a box for every letter there is."""


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
    """The file of an upright font of regular weight that has all letters, from matplotlib's list."""
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    wanted = {ord(letter) for letter in letters if not letter.isspace()}
    upright = [
        font
        for font in fontManager.ttflist
        if font.style == "normal" and font.weight in (400, "normal") and not font.name.startswith(_NO_LETTERS)
    ]
    upright.sort(key=lambda font: (font.name != "DejaVu Sans", font.name, font.fname))  # the one matplotlib brings
    return next((font.fname for font in upright if wanted <= FT2Font(font.fname).get_charmap().keys()), None)

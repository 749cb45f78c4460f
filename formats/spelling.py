"""One spelling for names that look alike: a Mac composes letters in another way (é as e and an accent) than others."""

from __future__ import annotations

import unicodedata


def composed(text: str) -> str:
    """The text with its letters composed (Unicode NFC), in which equal names are equal."""
    return unicodedata.normalize("NFC", text)

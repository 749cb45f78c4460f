"""Markdown pages that move: their links lead to where the other pages move, and GitHub's lists stay lists."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
_LIST = re.compile(r"(?:[-*]|\d+\.) ")


def moved(text: str, page: str, places: Mapping[str, str]) -> str:
    """A page's text where it is staged. `page`: its path in the repository; `places`: where every file of the
    repository that the site has is staged. A link to a file that it has not becomes that file's name."""
    return "\n".join(_moved_lines(text, PurePosixPath(page), places))


def _moved_lines(text: str, page: PurePosixPath, places: Mapping[str, str]) -> Iterator[str]:
    fenced, before = False, ""
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        is_text = not fenced and not line.startswith(("    ", "```"))
        if is_text and _LIST.match(line) and before.strip() and not _LIST.match(before.lstrip()) and before[:1] != " ":
            yield ""  # GitHub begins a list there, Markdown goes on with the paragraph
        yield _LINK.sub(lambda link: _led(link, page, places), line) if is_text else line
        before = line


def _led(link: re.Match[str], page: PurePosixPath, places: Mapping[str, str]) -> str:
    image, words, target, anchor = link[1], link[2], link[3], link[4] or ""
    named = os.path.normpath(page.parent / target)
    place = places.get(named)
    if place is None and image:
        return link[0]  # the build ends with it
    if place is None:
        return words if "`" in words else f"`{named}`"
    here = PurePosixPath(places[str(page)]).parent
    return f"{image}[{words}]({os.path.relpath(place, here)}{anchor})"

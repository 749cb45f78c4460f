"""The crop grid: where crops lie, how they and their images are named, which pixels of the image each one owns."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import PurePosixPath

from formats.errors import SagesegError

_CROP_ID = re.compile(r"(?P<stem>.*)_x(?P<left>\d+)_y(?P<top>\d+)", re.DOTALL)


@dataclass(frozen=True, order=True)
class Box:
    """A rectangle of pixels; `left` and `top` are its first column and row."""

    left: int
    top: int
    width: int
    height: int


def crop_grid(width: int, height: int, size: int | None, overlap: int = 0) -> list[Box]:
    """The crops of an image of width × height pixels, row by row.

    Every crop is size × size. Neighbours share `overlap` pixels; the last row and column shift
    inward and share more. Where a side is smaller than the crop, the crop reaches over the edge
    and is padded. With size None the one crop is the whole image.
    """
    if size is None:
        return [Box(0, 0, width, height)]
    if size < 1 or not 0 <= overlap < size:
        raise SagesegError(f"crop {size} with overlap {overlap}: the overlap must be 0 or more and less than the crop")
    return [
        Box(left, top, size, size)
        for top in _starts(height, size, size - overlap)
        for left in _starts(width, size, size - overlap)
    ]


def _starts(length: int, size: int, step: int) -> list[int]:
    last = max(length - size, 0)
    return [*range(0, last, step), last]


def owned_boxes(crops: list[Box], width: int, height: int) -> dict[Box, Box]:
    """The part of a width × height image that each crop of a grid owns: where crops overlap, the
    line lies halfway, so that every pixel belongs to the crop in which it is farthest from the edge.

    The owned boxes divide the image: no pixel is left out or owned twice.
    """
    columns = _owned_spans({(crop.left, crop.width) for crop in crops}, width)
    rows = _owned_spans({(crop.top, crop.height) for crop in crops}, height)
    owned = {}
    for crop in crops:
        left, right = columns[crop.left]
        top, bottom = rows[crop.top]
        owned[crop] = Box(left, top, right - left, bottom - top)
    return owned


def _owned_spans(spans: set[tuple[int, int]], length: int) -> dict[int, tuple[int, int]]:
    ordered = sorted(spans)
    cuts = [(start + size + following) // 2 for (start, size), (following, _) in pairwise(ordered)]
    edges = [0, *cuts, length]
    return {start: (edges[i], edges[i + 1]) for i, (start, _) in enumerate(ordered)}


def crop_id(stem: str, crop: Box) -> str:
    """The name of a crop, `<stem>_x<left>_y<top>`: the id of its files and of its manifest row."""
    return f"{stem}_x{crop.left}_y{crop.top}"


def parse_crop_id(name: str) -> tuple[str, int, int]:
    """The (stem, left, top) that `crop_id` wrote into a name."""
    match = _CROP_ID.fullmatch(name)
    if match is None:
        raise SagesegError(f"{name}: not the name of a crop; expected <stem>_x<left>_y<top>")
    return match["stem"], int(match["left"]), int(match["top"])


def composed(text: str) -> str:
    """A name with its letters composed (Unicode NFC), in which names that look alike are equal: a Mac writes é
    as e and an accent."""
    return unicodedata.normalize("NFC", text)


def name_sources(sources: Sequence[str]) -> dict[str, str]:
    """A name for each source, a path with `/`: its stem; where images in several folders share a
    stem, `<folder>_<stem>`, with all folders below the one that holds every source.

    The names do not depend on the order of the sources, and no two are equal, in whichever way their
    letters are composed (Unicode NFC or NFD). Raises SagesegError, naming the sources, where that
    cannot be, and for a path that a line of text cannot hold.
    """
    for source in sources:
        if not source.isprintable():
            raise SagesegError(f"{source!r}: a name with a line break or no text; rename it, ids come from names")
    times = Counter(_stem(source) for source in sources)
    shared = _shared_folders(sources)
    names = {source: _name(source, shared, alone=times[_stem(source)] == 1) for source in sources}
    _check_unique(sources, names)
    return names


def _name(source: str, shared: int, *, alone: bool) -> str:
    path = PurePosixPath(source)
    return path.stem if alone else "_".join((*path.parts[shared:-1], path.stem))


def _shared_folders(sources: Iterable[str]) -> int:
    """How many of its first folders every source has in common."""
    levels = zip(*(PurePosixPath(source).parts[:-1] for source in sources), strict=False)
    return len(list(takewhile(lambda level: len(set(level)) == 1, levels)))


def _stem(source: str) -> str:
    """A source's stem in one spelling."""
    return composed(PurePosixPath(source).stem)


def _check_unique(sources: Sequence[str], names: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}
    for source in sorted(sources):
        name = names[source]
        key = composed(name)
        if source_name(name, source, 0, 0) != name:
            raise SagesegError(f"{source}: would be called {name}, which reads like the name of a crop; rename it")
        if key in seen:
            raise SagesegError(
                f"{_told(seen[key], source)} would both be called {name}; rename one, ids come from names"
            )
        seen[key] = source


def _told(one: str, other: str) -> str:
    if composed(one) != composed(other):
        return f"{one} and {other}"
    return f"{one!a} and {other!a}, one name with its letters composed in two ways (Unicode NFD and NFC),"


def source_name(row_id: str, source: str, left: int, top: int) -> str:
    """The name that `name_sources` gave, found in the id of a row at (left, top) of its source. An id
    that no name of the source explains, as other programs write, says nothing: then it is the stem."""
    found = (name for name in _possible_names(source) if row_id in (name, crop_id(name, Box(left, top, 0, 0))))
    return next(found, PurePosixPath(source).stem)


def _possible_names(source: str) -> Iterator[str]:
    """Every name that a source may have, the shortest first."""
    *folders, _ = PurePosixPath(source).parts
    name = PurePosixPath(source).stem
    yield name
    for folder in reversed(folders):
        name = f"{folder}_{name}"
        yield name

"""How a source image is called: the id of its file, and what the ids of its crops begin with."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import PurePosixPath

from formats.crops import Box, crop_id
from formats.errors import SagesegError, for_all, raise_all
from formats.safe_names import is_inside, is_name


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
    raise_all(
        SagesegError(f"{source!r}: a name with a line break or no text; rename it, ids come from names")
        for source in sources
        if not source.isprintable()
    )
    times = Counter(_stem(source) for source in sources)
    shared = shared_folders(sources)
    names = {source: _name(source, shared, alone=times[_stem(source)] == 1) for source in sources}
    _check_unique(sources, names)
    return names


def _name(source: str, shared: int, *, alone: bool) -> str:
    path = PurePosixPath(source)
    return path.stem if alone else "_".join((*path.parts[shared:-1], path.stem))


def shared_folders(sources: Iterable[str]) -> int:
    """How many of its first folders every source has in common."""
    levels = zip(*(PurePosixPath(source).parts[:-1] for source in sources), strict=False)
    return len(list(takewhile(lambda level: len(set(level)) == 1, levels)))


def _stem(source: str) -> str:
    """A source's stem in one spelling."""
    return composed(PurePosixPath(source).stem)


def _check_unique(sources: Sequence[str], names: Mapping[str, str]) -> None:
    seen: dict[str, str] = {}

    def note(source: str) -> None:
        name = names[source]
        key = composed(name)
        if not (is_inside(source) and is_name(name)):
            raise SagesegError(
                f"{source}: expected a path in its folder, without \\, .. or a drive; rename it, ids come from names"
            )
        if source_name(name, source, 0, 0) != name:
            raise SagesegError(f"{source}: would be called {name}, which reads like the name of a crop; rename it")
        if key in seen:
            raise SagesegError(
                f"{_told(seen[key], source)} would both be called {name}; rename one, ids come from names"
            )
        seen[key] = source

    for_all(note, sorted(sources))


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

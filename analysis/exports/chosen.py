"""A list of images, one a line, and the predictions that it names: what `analysis select` writes and `--list` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from analysis.masks.sources import Source
from formats.console import say
from formats.disk.whole_files import write_text
from formats.errors import SagesegError, for_all
from formats.prepared.source_names import composed
from formats.texts.given_files import read_text

_EXPECTED = "one image a line, as analysis select writes it"


def write_list(path: Path, sources: Iterable[str]) -> None:
    """Write the paths of images below their folder."""
    write_text(path, "".join(f"{source}\n" for source in sources))


def choose_sources(sources: Sequence[Source], listed: Path | None) -> list[Source]:
    """The sources that a list names, in its order; all of them without a list.

    A line names an image by its path below the images' folder, or by that path without its suffix, by its file's
    name, or by its stem, where no other image has that too. Raises SagesegError that names the line for one that names
    no image or several, and for an image that is named twice.
    """
    if listed is None:
        return list(sources)
    named, found = _by_name(sources), dict[str, Source]()

    def take(numbered: tuple[int, str]) -> None:
        number, line = numbered
        fitting = named.get(composed(line)) or named.get(composed(line.strip()), {})
        if len(fitting) != 1:
            several = f" names {len(fitting)} images, such as {' and '.join(list(fitting)[:2])}: give the path"
            said = several if fitting else " is no image that was predicted; correct the line, or predict it too"
            raise SagesegError(f"{listed}: line {number}: {line}{said}")
        (source,) = fitting.values()
        if source.stem in found:
            raise SagesegError(f"{listed}: line {number}: {line} is named twice; remove one of the lines")
        found[source.stem] = source

    for_all(take, _read_lines(listed))
    if not found:
        raise SagesegError(f"{listed}: names no image; expected {_EXPECTED}")
    say(f"note: {len(found)} of {len(sources)} images, those of {listed}")
    return list(found.values())


def _by_name(sources: Iterable[Source]) -> dict[str, dict[str, Source]]:
    """Under each name the sources that have it, by their paths; an image's own path is that image alone."""
    named: dict[str, dict[str, Source]] = {}
    own = {}
    for source in sources:
        path = PurePosixPath(source.row.source)
        own[composed(str(path))] = {str(path): source}
        for name in {path.with_suffix("").as_posix(), path.name, path.stem, source.stem}:
            named.setdefault(composed(name), {})[str(path)] = source
    return named | own


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    text = read_text(path, _EXPECTED)
    yield from ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())

"""A list of images, one a line, and the predictions that it names: what `analysis select` and the report's page write,
and `--list` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from analysis.masks.sources import Source, plan_sources
from analysis.plain.matching import bare
from formats.console import say
from formats.dataset import Dataset
from formats.disk.whole_files import write_text
from formats.errors import SagesegError, for_all
from formats.predictions import Predictions
from formats.prepared.source_names import composed
from formats.texts.given_files import read_text

_EXPECTED = "one image a line, as analysis select or the report's page writes it"

_SHOWN = 120
"""Characters of a line that a message shows: a table in a list's place has long ones."""


def write_list(path: Path, sources: Iterable[str]) -> None:
    """Write the paths of images below their folder."""
    write_text(path, "".join(f"{source}\n" for source in sources))


def choose_sources(sources: Sequence[Source], listed: Path | None) -> list[Source]:
    """The sources that a list names, in its order; all of them without a list.

    A line names an image by its path below the images' folder, or by that path without its suffix, by its file's
    name, or by its stem, where no other image has that too; else by a path that ends as the image's does, which is
    said. Raises SagesegError that names the line for one that names no image or several, and for an image that is named
    twice.
    """
    if listed is None:
        return list(sources)
    named, ends, found = _by_name(sources), _by_ends(sources), dict[str, Source]()
    by_end: dict[str, Source] = {}

    def take(numbered: tuple[int, str]) -> None:
        number, line = numbered
        fitting = named.get(composed(line)) or named.get(composed(line.strip())) or {}
        if not fitting and len(fitting := _ending_alike(line.strip(), ends)) == 1:
            by_end[line] = next(iter(fitting.values()))
        if len(fitting) != 1:
            several = f" names {len(fitting)} images, such as {' and '.join(list(fitting)[:2])}: give the path"
            said = several if fitting else " is no image that was predicted; correct the line, or predict it too"
            shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
            raise SagesegError(f"{listed}: line {number}: {shown}{said}")
        (source,) = fitting.values()
        if source.stem in found:
            raise SagesegError(f"{listed}: line {number}: {line} is named twice; remove one of the lines")
        found[source.stem] = source

    for_all(take, _read_lines(listed))
    if not found:
        raise SagesegError(f"{listed}: names no image; expected {_EXPECTED}")
    say(f"note: {len(found)} of {len(sources)} images, those of {listed}")
    if by_end:
        line, source = next(iter(by_end.items()))
        say(f"note: {len(by_end)} lines matched by how their paths end, such as {line} with {source.row.source}")
    return list(found.values())


def listed_alone(predictions: Predictions, dataset: Dataset | None, listed: Path | None) -> Predictions:
    """The predictions of the images that a list names, in the manifest's order; all of them without a list. Raises
    SagesegError as `plan_sources` and `choose_sources` do."""
    if listed is None:
        return predictions
    stems = {source.stem for source in choose_sources(plan_sources(predictions, dataset), listed)}
    return replace(predictions, rows=tuple(row for row in predictions.rows if row.source_stem in stems))


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


def _by_ends(sources: Iterable[Source]) -> dict[str, dict[str, Source]]:
    """The sources, by their paths, under the last name in them, without its suffix."""
    ends: dict[str, dict[str, Source]] = {}
    for source in sources:
        ends.setdefault(_names_in(source.row.source)[-1], {})[source.row.source] = source
    return ends


def _names_in(path: str) -> tuple[str, ...]:
    """The folders and the stem in a path, without words such as `_mask`: lists of a report by a folder of true masks
    name these. Of what is no path nothing but an empty stem."""
    told = PurePosixPath(composed(path))
    return (*told.parts[:-1], bare(told.stem))


def _ending_alike(line: str, ends: Mapping[str, Mapping[str, Source]]) -> dict[str, Source]:
    """The sources whose path ends as the line's, or the line's as theirs: lists of a report name images by its
    dataset's folder, and masks without one know just their own names, where folders may stand before a `_`."""
    told = _names_in(line)
    fitting = {}
    for start in range(len(told)):
        for path, source in ends.get("_".join(told[start:]), {}).items():
            theirs = _names_in(path)[:-1]
            shared = min(len(theirs), start)
            if theirs[len(theirs) - shared :] == told[start - shared : start]:
                fitting[path] = source
    return fitting


def _read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    text = read_text(path, _EXPECTED)
    yield from ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())

"""What makes a dataset resumable: beside the half-made dataset stands a journal with one line per
image that is done, so that the same command goes on where it was killed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from io import FileIO
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

from formats.alike.alignment import SIDE
from formats.console import say
from formats.disk.journals import add_whole, cut_to_whole_lines
from formats.disk.whole_files import write_errors
from formats.disk.whole_folders import Stage, open_stage
from formats.manifest import ManifestRow

JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class ImageEntry:
    """What became of one image. `rows` are its crops as the manifest will tell them; `pixels` counts
    each class in the image at the size that was cut, `ignored` the pixels to ignore; `thumbnail` are
    the bytes of `twins.thumbnail`, `input_sha256` is of what was read: the encoded image, and the mask at its own
    size. `state` tells whether the inputs are still those that were read."""

    source: str
    state: str
    rows: tuple[ManifestRow, ...]
    pixels: tuple[int, ...]
    ignored: int
    thumbnail: bytes
    input_sha256: str


def format_entry(entry: ImageEntry) -> bytes:
    """An entry as a line of the journal."""
    content = vars(entry) | {
        "rows": [_cells(row) for row in entry.rows],
        "thumbnail": b64encode(entry.thumbnail).decode("ascii"),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"


_cells = attrgetter(*(each.name for each in fields(ManifestRow)))
_ROW_KINDS = [*[str] * 4, *[int] * 6, bool, float, *[str] * 3, dict]


def parse_entry(line: bytes) -> ImageEntry:
    """The counterpart of `format_entry`. Raises ValueError, KeyError or TypeError for a line that is damaged, or is of
    somebody who wrote other things into it."""
    try:
        content = json.loads(line.decode("utf-8", "surrogateescape"))
    except RecursionError as e:
        raise ValueError("lists in lists without end") from e
    content["rows"] = tuple(_parse_row(row) for row in content["rows"])
    content["pixels"] = tuple(content["pixels"])
    content["thumbnail"] = b64decode(content["thumbnail"])
    entry = ImageEntry(**content)
    texts_are = all(type(text) is str for text in (entry.source, entry.state, entry.input_sha256))
    numbers_are = all(type(number) is int for number in (*entry.pixels, entry.ignored))
    if not (texts_are and numbers_are and entry.rows and len(entry.thumbnail) == SIDE**2):
        raise ValueError("not an image's texts, counts and crops")
    return entry


def _parse_row(cells: list[Any]) -> ManifestRow:
    if list(map(type, cells)) != _ROW_KINDS:
        raise ValueError("not a crop's texts and numbers")
    return ManifestRow(*cells)


def read_entry(path: Path, place: int) -> ImageEntry:
    """One entry of a journal, in whichever process."""
    with path.open("rb") as file:
        return _read_at(file, place)


def _read_at(file: BinaryIO, place: int) -> ImageEntry:
    file.seek(place)
    return parse_entry(file.readline())


class Journal:
    """An open journal. It holds no entries, but by source where they lie, in bytes, and the states of those that an
    interrupted run left."""

    def __init__(self, path: Path, file: FileIO, places: dict[str, int], states: dict[str, str]) -> None:
        self.path = path
        self._file = file
        self._places = places
        self._states = states

    @property
    def done(self) -> int:
        """How many images have an entry."""
        return len(self._places)

    def place(self, source: str, state: str) -> int | None:
        """Where an interrupted run has left the entry of an image, if its inputs are still in the state that was
        read."""
        return self._places[source] if self._states.get(source) == state else None

    def append(self, entry: ImageEntry) -> None:
        """Add an entry. Raises SagesegError when the disk is full."""
        self._places[entry.source] = add_whole(self._file, self.path, format_entry(entry))

    def close(self) -> None:
        self._file.close()

    def entries(self, sources: Iterable[str]) -> Iterator[ImageEntry]:
        """The last entry of each image, read one by one."""
        with self.path.open("rb") as file:
            for source in sources:
                yield _read_at(file, self._places[source])


@contextmanager
def resumable_folder(
    out: Path, header: Mapping[str, Any], *, overwrite: bool = False
) -> Iterator[tuple[Path, Journal]]:
    """A folder to fill, with its journal; it becomes `out` when the block ends well.

    When the block fails or the process dies, what is done stays beside `out` (`formats.disk.whole_folders`) if any
    image was done, and is taken up again by a call with an equal `header`; another header starts afresh.
    Raises SagesegError when `out` holds something (unless `overwrite`), or is being written.
    """
    with open_stage(out, overwrite=overwrite) as stage:
        journal = _open_journal(stage, json.loads(json.dumps(header)))
        try:
            yield stage.content, journal
            stage.finish(durable=True)
        except BaseException:
            if journal.done and stage.begun() is not None:
                say(f"{stage.folder}: images done: {journal.done}; the same command goes on from there")
            else:
                stage.remove()
            raise
        finally:
            journal.close()


def _open_journal(stage: Stage, header: Any) -> Journal:
    """The journal of an interrupted run that had this header, otherwise an empty one of an empty folder."""
    goes_on = stage.begun() == header
    if not goes_on:
        stage.empty()
        stage.begin(header)
    path = stage.folder / JOURNAL
    with write_errors(path):
        file = path.open("a+b", buffering=0)
        cut_to_whole_lines(file)
        places, states, end = _index(path)
        file.truncate(end)
    if goes_on:
        say(f"{stage.folder}: goes on where it stopped; images done: {len(places)}")
    return Journal(path, file, places, states)


def _index(path: Path) -> tuple[dict[str, int], dict[str, str], int]:
    """Where each image's last entry lies, its state, and where the lines end that a power cut has not spoilt."""
    places, states = dict[str, int](), dict[str, str]()
    end = 0
    with path.open("rb") as lines:
        for line in lines:
            try:
                entry = parse_entry(line)
            except (ValueError, KeyError, TypeError):
                break
            places[entry.source], states[entry.source] = end, entry.state
            end += len(line)
    return places, states, end

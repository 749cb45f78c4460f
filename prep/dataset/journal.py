"""What makes a dataset resumable: beside the half-made dataset stands a journal with one line per
image that is done, so that the same command goes on where it was killed."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from formats.console import say
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.staging import lock_file, refuse_existing, replace_folder

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


@dataclass(frozen=True)
class Place:
    """Where an entry's line lies in the journal, in bytes."""

    offset: int
    length: int


def format_entry(entry: ImageEntry) -> bytes:
    """An entry as a line of the journal."""
    content = vars(entry) | {
        "rows": [list(vars(row).values()) for row in entry.rows],
        "thumbnail": b64encode(entry.thumbnail).decode("ascii"),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape") + b"\n"


def parse_entry(line: bytes) -> ImageEntry:
    """The counterpart of `format_entry`."""
    content = json.loads(line.decode("utf-8", "surrogateescape"))
    content["rows"] = tuple(ManifestRow(*row) for row in content["rows"])
    content["pixels"] = tuple(content["pixels"])
    content["thumbnail"] = b64decode(content["thumbnail"])
    return ImageEntry(**content)


def read_entry(path: Path, place: Place) -> ImageEntry:
    """One entry of a journal, in whichever process."""
    with path.open("rb") as file:
        return _read_at(file, place)


def _read_at(file: BinaryIO, place: Place) -> ImageEntry:
    file.seek(place.offset)
    return parse_entry(file.read(place.length))


class Journal:
    """An open journal. Holds the places of its entries, not the entries: memory stays flat."""

    def __init__(self, path: Path, file: FileIO, places: dict[str, tuple[str, Place]]) -> None:
        self.path = path
        self._file = file
        self._places = places

    @property
    def done(self) -> int:
        """How many images have an entry."""
        return len(self._places)

    def place(self, source: str, state: str) -> Place | None:
        """Where the entry of an image lies, if its inputs are still in the state that was read."""
        known, place = self._places.get(source, ("", None))
        return place if known == state else None

    def append(self, entry: ImageEntry) -> None:
        """Add an entry. Raises SagesegError when the disk is full."""
        line = format_entry(entry)
        place = Place(self._file.seek(0, 2), len(line))
        try:
            left = memoryview(line)
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as e:
            raise SagesegError(
                f"{self.path}: cannot be written ({e.strerror}); free space and run the same command again"
            ) from e
        self._places[entry.source] = (entry.state, place)

    def close(self) -> None:
        """Also unlocks it."""
        self._file.close()

    def entries(self, sources: Iterable[str]) -> Iterator[ImageEntry]:
        """The last entry of each image, read one by one."""
        with self.path.open("rb") as file:
            for source in sources:
                yield _read_at(file, self._places[source][1])


@contextmanager
def resumable_folder(
    out: Path, header: Mapping[str, Any], *, overwrite: bool = False
) -> Iterator[tuple[Path, Journal]]:
    """A folder to fill, with its journal; it becomes `out` when the block ends well.

    When the block fails or the process dies, the folder stays as `<out>.partial` if any image was
    done, and is taken up again by a call with an equal `header`; another header starts afresh.
    Raises SagesegError when `out` holds something (unless `overwrite`), or is being written.
    """
    refuse_existing(out, overwrite=overwrite)
    stage = out.with_name(out.name + ".partial")
    journal = _continue(stage, header)
    if journal is None:
        journal = _begin(stage, header)
    try:
        yield stage, journal
    except BaseException:
        if journal.done:
            say(f"{stage}: images done: {journal.done}; the same command goes on from there")
        else:
            shutil.rmtree(stage, ignore_errors=True)
        raise
    finally:
        journal.close()
    journal.path.unlink()
    replace_folder(stage, out)


def _begin(stage: Path, header: Mapping[str, Any]) -> Journal:
    path = stage / JOURNAL
    try:
        stage.mkdir(parents=True)
        path.write_bytes(_header_line(header))
        file = path.open("r+b", buffering=0)
    except OSError as e:
        raise SagesegError(f"{stage}: cannot be made ({e.strerror}); choose another --out") from e
    lock_file(file, stage)
    return Journal(path, file, {})


def _continue(stage: Path, header: Mapping[str, Any]) -> Journal | None:
    """The journal of an interrupted run, None where there is none or it had another header; then
    what lay there is removed."""
    path = stage / JOURNAL
    if path.is_file():
        file = path.open("r+b", buffering=0)
        lock_file(file, stage)
        with path.open("rb") as lines:
            if lines.readline() == _header_line(header):
                places, end = _index(lines)
                file.truncate(end)
                say(f"{stage}: goes on where it stopped; images done: {len(places)}")
                return Journal(path, file, places)
        file.close()
    if stage.exists():
        say(f"{stage}: left by other options or another version of sageseg; started afresh")
        shutil.rmtree(stage)
    return None


def _index(lines: BinaryIO) -> tuple[dict[str, tuple[str, Place]], int]:
    places: dict[str, tuple[str, Place]] = {}
    end = lines.tell()
    for line in lines:
        try:
            entry = parse_entry(line)
        except (ValueError, KeyError, TypeError):  # a line that the kill, or a power cut, left unfinished
            break
        places[entry.source] = (entry.state, Place(end, len(line)))
        end += len(line)
    return places, end


def _header_line(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True).encode() + b"\n"

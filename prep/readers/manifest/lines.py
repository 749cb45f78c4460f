"""The lines of an augmented manifest, checked at the border: what is wrong is named with its line and key.

The format: SageMaker developer guide, "Labeling job output data"; Lookout for Vision developer guide, "Defining JSON
lines for image segmentation". A label lies at `<job>-ref`, what it means at `<job>-ref-metadata`; the guide's example
of an adjustment job writes `<job>-metadata` in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from formats.errors import Faults, SagesegError
from formats.texts.given_files import conversion
from formats.texts.json_text import parse_json
from prep.readers.manifest.colour_map import ColourMap, read_colour_map

SOURCE = "source-ref"
SEGMENTATION = "groundtruth/semantic-segmentation"
VERIFICATION = "groundtruth/label-verification"
CLASSIFICATION = "groundtruth/image-classification"
NORMAL = "normal"
"""The class of Lookout for Vision's images without anomalies, which need no mask."""
_REF, _METADATA, _FAILURE, _MAP = "-ref", "-metadata", "failure-reason", "internal-color-map"
_EXPECTED = "an augmented manifest, one JSON object per line"
_ZIP = b"PK\x03\x04"
_JAVASCRIPT = "%a %b %d %Y %H:%M:%S GMT%z"
"""How Lookout's console writes the time of a mask: Mon Aug 22 2022 13:52:52 GMT-0700 (Pacific Daylight Time)."""


@dataclass(frozen=True)
class Label:
    """A mask: `attribute` is its key, `job` the name of the job that made it, `made` when, where that can be read.
    `adjusts` says that it corrects another label of the image."""

    attribute: str
    job: str
    ref: str
    colours: ColourMap
    made: datetime | None
    adjusts: bool


@dataclass(frozen=True)
class Verdict:
    """What people who verified a label said of it, such as `bad`, and when."""

    word: str
    made: datetime | None


@dataclass(frozen=True)
class Line:
    """One line: its image, its masks, its verdicts; the reasons for which labelling failed; the class that an image
    classification gives; and what its other labels are, type by attribute."""

    number: int
    source: str
    labels: tuple[Label, ...]
    verdicts: tuple[Verdict, ...]
    failures: tuple[str, ...]
    image_class: str
    others: tuple[tuple[str, str], ...]


def read_lines(path: Path, where: str) -> Iterator[Line]:
    """The lines that are not empty, one after the other. `where` names the file in messages."""
    maps: dict[ColourMap, ColourMap] = {}
    faults = Faults()
    for number, text in _texts(path, where):
        with faults:
            place = f"{where}: line {number}"
            yield _parse(_object(text, place), number, place, maps)
    faults.check()


def _texts(path: Path, where: str) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            if file.peek(4)[:4] == _ZIP:
                raise SagesegError(f"{where}: a ZIP archive; unpack it, and give the .manifest file in it")
            for number, line in enumerate(file, start=1):
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    yield number, text
    except OSError as e:
        raise SagesegError(f"{where}: cannot be read ({e.strerror}); expected {_EXPECTED}") from e


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        record = parse_json(line)
    except ValueError as e:
        raise SagesegError(f"{place}: not JSON ({e}); expected {_EXPECTED}{conversion(line)}") from e
    if not isinstance(record, dict):
        raise SagesegError(f"{place}: JSON, but no object; expected {_EXPECTED}")
    return record


def _parse(record: dict[str, Any], number: int, place: str, maps: dict[ColourMap, ColourMap]) -> Line:
    source = record.get(SOURCE)
    if not isinstance(source, str) or not source:
        raise SagesegError(f"{place}: no {SOURCE}; expected the place of an image, such as s3://bucket/image.jpg")
    notes = {key: value for key, value in record.items() if key.endswith(_METADATA) and isinstance(value, dict)}
    labels = [label for key in record for label in _label(record, key, place, maps)]
    taken = {label.attribute for label in labels}
    kinds = {key.removesuffix(_METADATA): note.get("type") for key, note in notes.items()}
    return Line(
        number,
        source,
        tuple(labels),
        tuple(
            Verdict(str(note.get("class-name", "")), parse_time(note.get("creation-date")))
            for note in notes.values()
            if note.get("type") == VERIFICATION
        ),
        tuple(str(note[_FAILURE]) for note in notes.values() if _FAILURE in note),
        next((str(note.get("class-name", "")) for note in notes.values() if note.get("type") == CLASSIFICATION), ""),
        tuple((key, str(kind)) for key, kind in kinds.items() if key not in taken and kind),
    )


def _label(record: Mapping[str, Any], key: str, place: str, maps: dict[ColourMap, ColourMap]) -> Iterator[Label]:
    """The label at a key, where it is a mask."""
    if not key.endswith(_REF) or key == SOURCE:
        return
    names = (key + _METADATA, key.removesuffix(_REF) + _METADATA)
    name = next((name for name in names if isinstance(record.get(name), dict)), None)
    note = record[name] if name else {}
    if note.get("type", SEGMENTATION if _MAP in note else None) != SEGMENTATION or _FAILURE in note:
        return
    ref = record[key]
    if not isinstance(ref, str) or not ref:
        raise SagesegError(f"{place}: {key} is {ref!r}; expected the place of a mask, such as s3://bucket/mask.png")
    if _MAP not in note:
        raise SagesegError(
            f"{place}: {name} has no {_MAP}; expected what the colours of the mask mean, as the labelling job wrote it"
        )
    colours = read_colour_map(note[_MAP], f"{place}: {name}: {_MAP}")
    yield Label(
        key,
        str(note.get("job-name", "")).rpartition("/")[2] or key.removesuffix(_REF),
        ref,
        maps.setdefault(colours, colours),
        parse_time(note.get("creation-date")),
        "adjustment-status" in note or key.startswith("adjust"),
    )


def parse_time(text: object) -> datetime | None:
    """A creation-date; None for what is none."""
    if not isinstance(text, str):
        return None
    for parse in (datetime.fromisoformat, lambda t: datetime.strptime(t.partition(" (")[0], _JAVASCRIPT)):
        try:
            found = parse(text)
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None

"""What a file of CVAT's says, shapes left aside: its labels, its images or frames, and where their shapes stand."""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from formats.errors import Faults, SagesegError
from formats.texts.told_numbers import parse_whole
from prep.readers.annotations.json_spans import Span
from prep.readers.annotations.xml_spans import Element, Tags, each_element, parse_element
from prep.readers.cvat.shapes import NOT_DRAWN

EXPECTED = "annotations.xml of CVAT 1.1 (Export task dataset, CVAT for images 1.1)"
_ROOT = "annotations"
_META = (_ROOT, "meta")
_IMAGE = (_ROOT, "image")
_TRACK = (_ROOT, "track")
_IN_TRACK = 3
_MOST_FRAMES = 1_000_000
"""Nine hours at 30 a second."""
Size = tuple[int, int]


@dataclass(frozen=True)
class Entry:
    """An `<image>` by its place: its name, (width, height), subset ("" where the file names none)."""

    name: str
    size: Size
    subset: str
    span: Span
    place: str


@dataclass(frozen=True)
class Meta:
    """What the head says: labels that may be drawn, in their order, and the others; of a video, the numbers of all
    frames and their (width, height), None where it does not say; how many tasks are in it."""

    labels: tuple[str, ...] = ()
    not_drawn: tuple[str, ...] = ()
    frames: range | None = None
    size: Size | None = None
    tasks: int = 1


@dataclass
class Document:
    """A file of CVAT's: `images` of "for images"; of "for video" `frames`, by their numbers the first byte, the end and
    the place in `labels` of each shape, in order of the file. `is_video` says which. Images in `passed_over` are not
    wanted. Of the frames in `unclear` a track
    that goes on has no shape: CVAT writes a track's every frame but for those that were deleted."""

    path: Path
    meta: Meta = field(default_factory=Meta)
    images: list[Entry] = field(default_factory=list)
    passed_over: list[Entry] = field(default_factory=list)
    frames: dict[int, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("q")))
    labels: tuple[str, ...] = ()
    unclear: set[int] = field(default_factory=set)

    @property
    def is_video(self) -> bool:
        return not self.images


def read_document(path: Path) -> Document:
    """Look through a file. Raises SagesegError naming the place of what is not as CVAT writes it."""
    document = Document(path)
    numbers: dict[str, int] = {}
    last: Element | None = None
    faults = Faults()
    for element in each_element(path, _is_part, EXPECTED):
        if element.tags == _META:
            document.meta = _read_meta(path, element.span)
        elif element.tags == _IMAGE:
            with faults:
                document.images.append(_entry(element, path, len(document.images)))
        elif len(element.tags) == _IN_TRACK:
            _add_tracked(document, element, numbers, last)
            last = element
        else:
            raise SagesegError(f"{path}: its root is <{element.tags[0]}>; expected {EXPECTED}{_hint(element.tags[0])}")
    faults.check()
    if bool(document.images) == bool(last):
        found = "both images and tracks" if last else "neither an image nor a track with shapes"
        raise SagesegError(f"{path}: {found} in it; expected {EXPECTED}")
    document.labels = tuple(numbers)
    return document


def _is_part(tags: Tags) -> bool:
    return tags[0] != _ROOT or tags in (_META, _IMAGE) or (len(tags) == _IN_TRACK and tags[:2] == _TRACK)


def _hint(root: str) -> str:
    """What a file with another root is for."""
    return "; files of <annotation> hold boxes of Pascal VOC, which are no masks" if root == "annotation" else ""


def _entry(element: Element, path: Path, number: int) -> Entry:
    name = element.attributes.get("name", "")
    if not name:
        raise SagesegError(f"{path}: image {number + 1}: no name; expected {EXPECTED}")
    place = f"{path}: image {name}"
    sides = [_whole(element.attributes.get(key, ""), key, place) for key in ("width", "height")]
    return Entry(name, (sides[0], sides[1]), element.attributes.get("subset", ""), element.span, place)


def _add_tracked(document: Document, element: Element, numbers: dict[str, int], last: Element | None) -> None:
    """Note a shape of a track where it is to be seen; what a track of tracks is in holds points of a skeleton."""
    track = element.around
    if element.tags[-1] == "track":
        return
    frame = _frame(element, document.path)
    if last and last.around is track and last.tags[-1] not in NOT_DRAWN and not _is_outside(last):
        frames = document.meta.frames or range(0)
        first = _frame(last, document.path) + frames.step
        document.unclear.update(range(first, min(frame, frames.stop), frames.step))
    if _is_outside(element):
        return
    label = numbers.setdefault(track.get("label", ""), len(numbers))
    document.frames[frame].extend((*element.span, label))


def _frame(element: Element, path: Path) -> int:
    place = f"{path}: track {element.around.get('id', '?')} ({element.around.get('label', '')})"
    return _whole(element.attributes.get("frame", ""), "frame", place, least=0)


def _is_outside(element: Element) -> bool:
    """Whether the object of a track is not to be seen from here on."""
    return element.attributes.get("outside") == "1"


def _read_meta(path: Path, span: Span) -> Meta:
    with path.open("rb") as file:
        head = parse_element(file, span, f"{path}: meta")
    # a task, a project or a job, whose tasks have no labels of their own
    about = next((child for child in head if child.find("labels") is not None), None)
    if about is None:
        return Meta()
    labels = about.findall("labels/label")
    drawn = [_text(label, "name") for label in labels if _is_drawn(label)]
    others = [_text(label, "name") for label in labels if not _is_drawn(label) and label.find("parent") is None]
    tasks = about.findall("tasks/task")
    task = tasks[0] if len(tasks) == 1 else about
    return Meta(tuple(drawn), tuple(others), _frames(task, path), _original_size(task, path), max(1, len(tasks)))


def _is_drawn(label: ElementTree.Element) -> bool:
    return label.find("parent") is None and _text(label, "type") not in NOT_DRAWN


def _frames(task: ElementTree.Element, path: Path) -> range | None:
    size, stop = _text(task, "size"), _text(task, "stop_frame")
    if not size and not stop:
        return None
    start = _whole(_text(task, "start_frame") or "0", "start_frame", f"{path}: meta", least=0)
    step = 1
    if filtered := _text(task, "frame_filter"):
        step = _whole(filtered.rpartition("=")[2], "frame_filter", f"{path}: meta")
    if size:
        frames = range(start, start + step * _whole(size, "size", f"{path}: meta"), step)
    else:
        frames = range(start, _whole(stop, "stop_frame", f"{path}: meta", least=0) + 1, step)
    if len(frames) > _MOST_FRAMES:
        raise SagesegError(f"{path}: meta: {len(frames):,} frames; expected up to {_MOST_FRAMES:,}, as a video has")
    return frames


def _original_size(task: ElementTree.Element, path: Path) -> Size | None:
    if task.find("original_size") is None:
        return None
    place = f"{path}: meta: original_size"
    sides = [_whole(_text(task, f"original_size/{key}"), key, place) for key in ("width", "height")]
    return sides[0], sides[1]


def _text(element: ElementTree.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _whole(text: str, key: str, place: str, *, least: int = 1) -> int:
    number = parse_whole(text)
    if number is None or number < least:
        raise SagesegError(f"{place}: {key} is {text!r}; expected a whole number from {least} on")
    return number

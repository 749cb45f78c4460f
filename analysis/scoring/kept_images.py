"""The images of a report as it keeps them: what is looked at of all of them at once in arrays, all else in a file."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, overload

import numpy as np

from analysis.scoring.components import Component
from analysis.scoring.image_report import ImageReport
from analysis.scoring.judged import Judged
from analysis.scoring.objects import Kind, WrongObject
from analysis.scoring.scores import Scores
from analysis.scoring.suspects import Suspect
from formats.arrays import GrowingRows, Ints
from formats.disk.value_file import ValueFile

_PLAIN = (
    *("stem", "source", "group", "split", "width", "height", "truth_sha256"),
    *("false_positive_pixels", "missed_pixels", "false_positive_count", "missed_count"),
)
_NUMBERS = ("true_count", "predicted_count", "false_positive_kinds", "missed_kinds")


def _wrong_object(*values: Any) -> WrongObject:
    wrong = WrongObject(*values)
    return replace(wrong, kind=Kind(wrong.kind))


_OBJECTS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("true_components", "predicted_components"), Component),
    **dict.fromkeys(("false_positives", "missed"), _wrong_object),
}


def _values(one: Any) -> list[Any]:
    return [getattr(one, field.name) for field in fields(one)]


def _to_value(image: ImageReport) -> dict[str, Any]:
    """What of an image lies in the file."""
    return {
        **{name: getattr(image, name) for name in (*_PLAIN, *_NUMBERS)},
        **{name: [_values(each) for each in getattr(image, name)] for name in _OBJECTS},
        "judged": _values(image.judged),
        "suspect": image.suspect and _values(image.suspect),
        "confused": image.confused.tolist(),
    }


def _from_value(value: dict[str, Any], **in_memory: Any) -> ImageReport:
    """The counterpart of `_to_value`."""
    known: dict[str, Any] = {name: value[name] for name in _PLAIN}
    known |= {name: tuple(value[name]) for name in _NUMBERS}
    known |= {name: tuple(make(*each) for each in value[name]) for name, make in _OBJECTS.items()}
    return ImageReport(
        **known,
        judged=Judged(*value["judged"]),
        suspect=value["suspect"] and Suspect(*value["suspect"]),
        confused=np.array(value["confused"], np.int64).reshape(-1, 3),
        **in_memory,
    )


@dataclass(frozen=True, eq=False)
class KeptImages(Sequence[ImageReport]):
    """Images in order, each read from the file when it is asked for.

    `scores` are those of all (N), `pixels` their true and predicted pixels by class, shape (N, 2, C), `groups` the
    numbers of their groups, shape (N,). `order` says which of the file's values each image is.
    """

    file: ValueFile
    order: Ints
    scores: Scores
    pixels: Ints
    attributes: Sequence[Mapping[str, str]]
    groups: Ints

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, place: int) -> ImageReport: ...
    @overload
    def __getitem__(self, place: slice) -> list[ImageReport]: ...
    def __getitem__(self, place: int | slice) -> ImageReport | list[ImageReport]:
        if isinstance(place, slice):
            return [self._read(each) for each in range(*place.indices(len(self)))]
        return self._read(place)

    def __iter__(self) -> Iterator[ImageReport]:
        return map(self._read, range(len(self)))

    def _read(self, place: int) -> ImageReport:
        true, predicted = self.pixels[place].tolist()
        return _from_value(
            self.file[int(self.order[place])],
            attributes=self.attributes[place],
            scores=self.scores[place],
            true_pixels=tuple(true),
            predicted_pixels=tuple(predicted),
        )


class CollectedImages:
    """What becomes `KeptImages`, image by image; `groups` are the numbers of the images' groups."""

    def __init__(self, file: ValueFile) -> None:
        self._file = file
        self._first: Scores | None = None
        self._classes, self._means = GrowingRows[np.float64](), GrowingRows[np.float64]()
        self._pixels = GrowingRows[np.int64]()
        self._attributes: list[Mapping[str, str]] = []
        self._stems: list[str] = []
        self._groups, self._wrong = array("q"), array("q")

    def add(self, image: ImageReport, group: int) -> None:
        number = len(self._stems)
        self._file.add(_to_value(image))
        self._first = self._first or image.scores
        self._classes.add(number, image.scores.classes)
        self._means.add(number, image.scores.means)
        self._pixels.add(number, np.array([image.true_pixels, image.predicted_pixels], np.int64))
        self._attributes.append(image.attributes)
        self._stems.append(image.stem)
        self._groups.append(group)
        self._wrong.append(image.false_positive_pixels + image.missed_pixels)

    @property
    def groups(self) -> Ints:
        return np.array(self._groups, np.int64)

    @property
    def scores(self) -> Scores:
        """Those of each image alone. Raises ValueError where there is none."""
        if self._first is None:
            raise ValueError("no image to sum up")
        return Scores(self._first.keys, self._classes.rows, self._first.names, self._means.rows)

    def worst_first(self, scores: Scores) -> KeptImages:
        """All images, with their scores as a part of the report: lowest foreground IoU first, then most wrong pixels;
        undefined (rightly empty) last."""
        iou = [math.inf if math.isnan(each) else each for each in scores.foreground_means("iou").tolist()]
        keys = list(zip(iou, (-each for each in self._wrong), self._stems, strict=True))
        order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
        attributes = [self._attributes[number] for number in order.tolist()]
        return KeptImages(self._file, order, scores[order], self._pixels.rows[order], attributes, self.groups[order])

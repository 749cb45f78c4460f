"""Which class is true and which is predicted at each pixel, and the text of which a page draws its layers."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from analysis.masks.agreement import agreement
from formats.classes import IGNORE
from formats.masks import Mask

_LEVEL = 1
_BEFORE, _AFTER = "takeLayers(", ")\n"


@dataclass(frozen=True)
class PairRuns:
    """The pairs of an image, row by row: `codes` uint16, and how often each stands there in a row, `lengths` uint32.

    A code is the true class times the number of classes, plus the predicted one; one true class more than there are
    stands for pixels that are not judged.
    """

    codes: npt.NDArray[np.uint16]
    lengths: npt.NDArray[np.uint32]


def pair(truth: Mask, prediction: Mask, num_classes: int) -> PairRuns:
    """The pairs of two masks of one size, as runs."""
    true: npt.NDArray[Any] = np.asarray(cv2.threshold(truth, num_classes, 0, cv2.THRESH_TRUNC)[1])
    if num_classes * (num_classes + 1) > 256:  # else eight bits hold every pair, and take a third of the time
        true = true.astype(np.uint16)
    true *= num_classes
    true += prediction
    return _runs_of(true.ravel())


def _runs_of(codes: npt.NDArray[Any]) -> PairRuns:
    starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])
    return PairRuns(codes[starts].astype(np.uint16), np.diff(starts, append=codes.size).astype(np.uint32))


def pack(runs: PairRuns) -> str:
    """Runs as text: base64 of what zlib made of all lengths, then all codes, little-endian."""
    content = runs.lengths.astype("<u4").tobytes() + runs.codes.astype("<u2").tobytes()
    return b64encode(zlib.compress(content, _LEVEL)).decode("ascii")


def unpack(text: str) -> PairRuns:
    """The runs that `pack` made a text of."""
    content = zlib.decompress(b64decode(text))
    number = len(content) // 6
    lengths = np.frombuffer(content, "<u4", number)
    return PairRuns(np.frombuffer(content, "<u2", number, 4 * number), lengths)


@dataclass(frozen=True)
class Layers:
    """What is drawn of one image of (width, height): its pairs of so many classes."""

    size: tuple[int, int]
    num_classes: int
    runs: PairRuns

    def look_up(self, table: npt.NDArray[np.uint8]) -> Mask:
        """What `table` has for each pair, (height, width) uint8."""
        return np.repeat(table[self.runs.codes], self.runs.lengths).reshape(self.size[::-1])

    def shrunk(self, size: tuple[int, int]) -> Layers:
        """The same at another (width, height), each pixel from the nearest one."""
        codes = np.repeat(self.runs.codes, self.runs.lengths).reshape(self.size[::-1])
        small = cv2.resize(codes, size, interpolation=cv2.INTER_NEAREST)
        return Layers(size, self.num_classes, _runs_of(small.ravel()))

    def truth(self) -> Mask:
        """The true classes, ignore where they are not judged."""
        return self.look_up(self._of_pairs()[0])

    def agreement(self) -> Mask:
        """The `Agreement` of each pixel."""
        true, predicted = (each[None] for each in self._of_pairs())
        return self.look_up(agreement(true, predicted)[0])

    def _of_pairs(self) -> tuple[Mask, Mask]:
        """The true and the predicted class of each code."""
        true = np.arange(self.num_classes + 1, dtype=np.uint8)
        true[-1] = IGNORE
        return np.repeat(true, self.num_classes), np.tile(np.arange(self.num_classes, dtype=np.uint8), len(true))


def layer_script(stem: str, layers: Layers, **more: Any) -> bytes:
    """The file that the page loads for an image: a program of one call, with data alone."""
    width, height = layers.size
    known = {"stem": stem, "width": width, "height": height, "classes": layers.num_classes}
    content = json.dumps({**known, "pairs": pack(layers.runs), **more}, separators=(",", ":"))
    return f"{_BEFORE}{content}{_AFTER}".encode()


def read_layers(path: Path) -> Layers:
    """A layer file of a report. Raises ValueError where it is none."""
    text = path.read_text(encoding="ascii")
    if not (text.startswith(_BEFORE) and text.endswith(_AFTER)):
        raise ValueError("not a layer file of a report")
    known = json.loads(text[len(_BEFORE) : -len(_AFTER)])
    return Layers((known["width"], known["height"]), known["classes"], unpack(known["pairs"]))

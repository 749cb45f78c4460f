"""What the report draws of one image at full size, as files beside the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from analysis.drawing.colours import AgreementColours
from analysis.drawing.overlays import draw_difference
from analysis.drawing.shrink import data_uri
from analysis.drawing.strips import draw_strip
from analysis.masks.agreement import agreement
from analysis.masks.pairs import Layers, PairRuns, layer_script
from analysis.masks.sources import Source
from analysis.report.source_images import SourceImages, encode_jpeg
from analysis.report_files import LAYERS, STRIPS, layer_name, strip_name
from analysis.scoring.suspects import Contradiction
from formats.disk.whole_files import write_unfinished
from formats.images import read_image
from formats.masks import Mask

_STRIP_QUALITY = 92
_PROBABILITY_QUALITY = 94
"""Keeps what varies as a network's probabilities do within 2 of 100."""


@dataclass(frozen=True)
class DrawnBelief:
    """What is drawn of probabilities: that of foreground as 0..255, (height, width) uint8, and the regions of the truth
    that the model contradicts."""

    foreground: Mask
    suspects: Sequence[Contradiction]


@dataclass(frozen=True)
class Drawn:
    """What is drawn of an image: both masks and their pairs, its wrong `objects` as `told_objects` tells them, and what
    its probabilities say, if it has any."""

    truth: Mask
    prediction: Mask
    pairs: PairRuns
    objects: Sequence[Mapping[str, Any]]
    believed: DrawnBelief | None = None


@dataclass(frozen=True)
class Drawer:
    """How a source is drawn, its classes' `names` by id; a call writes its files below `stage`.
    Pickles, to work in another process."""

    stage: Path
    images: SourceImages
    names: tuple[str, ...]
    colours: AgreementColours
    strips: bool = False

    def make_folders(self) -> None:
        for name in (*(f"layers/{layer}" for layer in LAYERS), *([STRIPS] if self.strips else [])):
            (self.stage / name).mkdir(parents=True, exist_ok=True)

    def __call__(self, source: Source, drawn: Drawn) -> None:
        truth, prediction = drawn.truth, drawn.prediction
        layers = Layers((source.width, source.height), len(self.names), drawn.pairs)
        script = layer_script(source.stem, layers, objects=drawn.objects, **_told(drawn.believed))
        self._write(layer_name("pairs", source.stem), script)
        to = self.stage / layer_name("image", source.stem)
        self.images.write(source, to)
        if self.strips:
            image = read_image(to)
            difference = draw_difference(image, agreement(truth, prediction), self.colours)
            strip = draw_strip(image, truth, prediction, difference, self.colours, self.names)
            self._write(strip_name(source.stem), encode_jpeg(strip, _STRIP_QUALITY))

    def _write(self, name: str, content: bytes) -> None:
        write_unfinished(self.stage / name, content)


def _told(believed: DrawnBelief | None) -> dict[str, Any]:
    if believed is None:
        return {}
    grey = np.ascontiguousarray(believed.foreground)[..., None]
    jpeg = simplejpeg.encode_jpeg(grey, _PROBABILITY_QUALITY, "GRAY", "444", True)
    return {"suspects": [asdict(each) for each in believed.suspects], "probability": data_uri("jpeg", jpeg)}

"""One image of the report: counted, scored and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.colours import AgreementColours
from analysis.counts import Confusion, count
from analysis.overlays import agreement, draw_difference, with_legend
from analysis.scores import Scores, false_positive_pixels, missed_pixels, score
from analysis.sources import Source, read_prediction, read_source_image, read_truth
from analysis.thumbnails import Layers, draw_layers, encode_jpeg
from formats.staging import write_bytes

OVERLAY_QUALITY = 90


@dataclass(frozen=True)
class ImageReport:
    """What the report says of one image. Pixels are counts at full size."""

    stem: str
    group: str
    split: str
    attributes: dict[str, str]
    width: int
    height: int
    scores: Scores
    counted_pixels: int
    false_positive_pixels: int
    missed_pixels: int


@dataclass(frozen=True)
class Examined:
    """An image's report, with what is summed up (counts) and shown (layers) but not kept for all."""

    report: ImageReport
    confusion: Confusion
    layers: Layers


@dataclass(frozen=True)
class Examiner:
    """How to examine a source; a call writes its overlay. Pickles, to work in another process."""

    predictions: Path
    dataset: Path
    stage: Path
    num_classes: int
    colours: AgreementColours

    def __call__(self, source: Source) -> Examined:
        truth = read_truth(self.dataset, source, self.num_classes)
        prediction = read_prediction(self.predictions, source, self.num_classes)
        image = read_source_image(self.dataset, source)
        confusion = count(truth, prediction, self.num_classes)
        difference = draw_difference(image, agreement(truth, prediction), self.colours)
        overlay = encode_jpeg(with_legend(difference, self.colours), OVERLAY_QUALITY)
        write_bytes(self.stage / overlay_name(source.stem), overlay)
        layers = draw_layers(image, truth, prediction, difference, self.num_classes)
        return Examined(report_image(source, confusion), confusion, layers)


def overlay_name(stem: str) -> str:
    """Where an image's full-size overlay lies inside the report."""
    return f"overlays/{stem}.jpg"


def report_image(source: Source, confusion: Confusion) -> ImageReport:
    row = source.row
    return ImageReport(
        stem=source.stem,
        group=row.group,
        split=row.split,
        attributes=row.attributes,
        width=source.width,
        height=source.height,
        scores=score(confusion),
        counted_pixels=int(confusion.sum()),
        false_positive_pixels=false_positive_pixels(confusion),
        missed_pixels=missed_pixels(confusion),
    )

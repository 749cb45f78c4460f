"""Pictures of one image of a report, drawn from the layers that the report has of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.drawing.colours import AgreementColours
from analysis.drawing.jpeg_planes import encode_planes
from analysis.drawing.overlays import draw_difference, draw_overlay
from analysis.report_files import layer_name, overlay_name
from formats.images import Rgb, read_image, read_luma
from formats.masks import read_mask
from formats.staging import write_errors

_QUALITY = 90


def difference_of(report: Path, stem: str, colours: AgreementColours) -> Rgb:
    """The image in grey with what is right, wrong and missed over it, full size, (height, width, 3) uint8."""
    codes = read_mask(report / layer_name("difference", stem))
    return draw_difference(read_image(report / layer_name("image", stem)), codes, colours)


@dataclass(frozen=True)
class OverlayWriter:
    """Writes the full-size overlay of an image, by stem. Pickles, to work in another process."""

    report: Path
    colours: AgreementColours

    def __call__(self, stem: str) -> None:
        codes = read_mask(self.report / layer_name("difference", stem))
        overlay = draw_overlay(read_luma(self.report / layer_name("image", stem)), codes, self.colours)
        path = self.report / overlay_name(stem)
        with write_errors(path):  # straight to its name: the folder as a whole appears when it is complete
            path.write_bytes(encode_planes(overlay, _QUALITY))

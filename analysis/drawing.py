"""What the report draws of one image at full size, as files beside the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import simplejpeg

from analysis.colours import AgreementColours
from analysis.layers import difference_palette, tint_palette
from analysis.overlays import agreement, draw_overlay
from analysis.palette_png import encode_palette_png
from analysis.report_files import LAYERS, OVERLAYS, STRIPS, layer_name, overlay_name, strip_name
from analysis.sources import Source
from analysis.strips import draw_strip
from formats import dataset as dataset_files
from formats.crops import Box
from formats.images import Rgb
from formats.masks import Mask
from formats.staging import write_errors

_OVERLAY_QUALITY, _IMAGE_QUALITY, _STRIP_QUALITY = 90, 90, 92


@dataclass(frozen=True)
class Drawer:
    """How a source is drawn, its classes' `names` by id; a call writes its files below `stage`.
    Pickles, to work in another process."""

    stage: Path
    dataset: Path
    names: tuple[str, ...]
    colours: AgreementColours
    strips: bool = False

    def make_folders(self) -> None:
        for name in (OVERLAYS, *(f"layers/{layer}" for layer in LAYERS), *([STRIPS] if self.strips else [])):
            (self.stage / name).mkdir(parents=True)

    def __call__(self, source: Source, image: Rgb, truth: Mask, prediction: Mask) -> None:
        codes = agreement(truth, prediction)
        overlay = draw_overlay(image, codes, self.colours)
        self._write(overlay_name(source.stem), _encode_jpeg(overlay, _OVERLAY_QUALITY))
        self._write_layers(source, image, truth, prediction, codes)
        if self.strips:
            difference = overlay[: image.shape[0]]
            strip = draw_strip(image, truth, prediction, difference, self.colours, self.names)
            self._write(strip_name(source.stem), _encode_jpeg(strip, _STRIP_QUALITY))

    def _write_layers(self, source: Source, image: Rgb, truth: Mask, prediction: Mask, codes: Mask) -> None:
        name = layer_name("image", source.stem)
        if [piece.crop for piece in source.kept] == [Box(0, 0, source.width, source.height)]:
            content = dataset_files.image_path(self.dataset, source.kept[0].id).read_bytes()
            self._write(name, content)
        else:
            self._write(name, _encode_jpeg(image, _IMAGE_QUALITY))
        tints = tint_palette(len(self.names))
        self._write(layer_name("truth", source.stem), encode_palette_png(truth, tints))
        self._write(layer_name("prediction", source.stem), encode_palette_png(prediction, tints))
        self._write(layer_name("difference", source.stem), encode_palette_png(codes, difference_palette(self.colours)))

    def _write(self, name: str, content: bytes) -> None:
        """Straight to its name: the staged folder as a whole appears only when it is complete."""
        path = self.stage / name
        with write_errors(path):
            path.write_bytes(content)


def _encode_jpeg(image: Rgb, quality: int) -> bytes:
    return bytes(simplejpeg.encode_jpeg(image, quality, "RGB", "420", True))

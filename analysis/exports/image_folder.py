"""Predictions drawn over images that have no truth: each prediction beside its image in a folder."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.cleaning import NO_CHANGES, Changes
from analysis.masks.sources import Source, plan_sources
from formats.console import say
from formats.disk.whole_files import write_bytes
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError, for_all
from formats.images import IMAGE_SUFFIXES, Rgb, read_header, read_image
from formats.parallel import map_all
from formats.predictions import Predictions
from formats.prepared.georeference import read_georeference
from formats.prepared.image_folder import files_with
from formats.prepared.value_range import ValueRange, recorded_range


class Draw(Protocol):
    """How an image with its prediction becomes a file, and what cleaning did. Pickles, to work in another process."""

    @property
    def suffix(self) -> str:
        """Of the files it makes, such as `.png`."""

    def __call__(self, predictions: Path, source: Source, image: Rgb) -> tuple[bytes, Changes]: ...


def draw_folder(
    predictions: Predictions,
    images: Path,
    out: Path,
    draw: Draw,
    *,
    label: str,
    listed: Path | None = None,
    overwrite: bool = False,
    workers: int | None = None,
) -> Changes:
    """Write the folder `out`: a file for each predicted image, or each that is `listed`, by its stem, at the image's
    full size. Returns what cleaning did.

    `images` is the folder whose images were predicted. Raises SagesegError, before anything is
    drawn, naming an image that is missing or of another size than was predicted: nothing is resized.
    """
    sources = choose_sources(plan_sources(predictions, None), listed)
    paths = find_images(sources, images)
    if listed is None:
        _tell_others(images, paths)
    with staged_folder(out, overwrite=overwrite) as stage:
        values = None if read_georeference(images) else recorded_range(predictions.info)
        work = partial(_draw, predictions.root, stage, draw, values)
        changes = sum(map_all(work, list(zip(sources, paths, strict=True)), workers=workers, label=label), NO_CHANGES)
    tell_unpredicted(sources)
    return changes


def _tell_others(images: Path, drawn: list[Path]) -> None:
    """Say what lies in the folder and was not predicted."""
    known = set(drawn)
    others = [path for path in files_with(images, IMAGE_SUFFIXES, deep=True) if path not in known]
    if others:
        say(f"note: {images}: {len(others)} images were not predicted and are left out, such as {others[0].name}")


def _draw(predictions: Path, stage: Path, draw: Draw, values: ValueRange | None, work: tuple[Source, Path]) -> Changes:
    source, path = work
    content, changes = draw(predictions, source, read_image(path, values))
    write_bytes(stage / f"{source.stem}{draw.suffix}", content)
    return changes


def find_image(source: Source, images: Path) -> Path:
    """The image of a source: where manifest.csv says; or by its name, directly in the folder, where no other
    image has that stem."""
    told = PurePosixPath(source.row.source)
    places = [images / told, images / told.name] if source.stem == told.stem else [images / told]
    for place in places:
        if place.is_file():
            return place
    raise SagesegError(f"{places[-1]}: not found; expected the folder of the images that were predicted")


def find_images(sources: Iterable[Source], images: Path) -> list[Path]:
    """The image of each source, which must have the size that was predicted."""
    if not images.is_dir():
        raise SagesegError(f"{images}: no such folder; expected the images that were predicted")

    def find(source: Source) -> Path:
        path = find_image(source, images)
        size = read_header(path).size
        if size != (source.width, source.height):
            raise SagesegError(
                f"{path}: {size[0]}×{size[1]} pixels, but {source.width}×{source.height} were predicted;"
                " give the folder of the images that were predicted"
            )
        return path

    return for_all(find, sources)

"""Predicted crops put together to masks of the source images' size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from analysis.masks.bands import Band, whole
from analysis.masks.cleaning import NO_CHANGES, Changes, clean_source, cleanings
from analysis.masks.mosaic import (
    find_georeference,
    mosaic_name,
    need_georeference,
    predicted_rasters,
    write_mosaic,
)
from analysis.masks.reading import read_bands
from analysis.masks.source_plan import SourceFacts, facts_of
from analysis.masks.sources import Source, agreed_classes, dropped_before, plan_sources
from analysis.options import AS_PREDICTED, Cleaning, How
from formats.classes import IGNORE, ClassTable
from formats.crops import Box, crop_id
from formats.dataset import Dataset
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.mask_rows import write_mask_rows
from formats.masks import Mask, read_mask
from formats.parallel import map_all
from formats.predictions import (
    Predictions,
    Probabilities,
    mask_path,
    need_classes,
    probabilities_path,
    write_predictions_tables,
    write_probabilities,
)
from formats.prepared.georeference import Georeference, write_georeference

RASTERS = "rasters"
"""The folder of the masks of whole rasters."""


@dataclass(frozen=True)
class Stitched:
    """What was put together, and how; `dropped_crops` and `uncovered_pixels` became background. `changes` are what
    cleaning did."""

    images: int
    crops: int
    dropped_crops: int
    uncovered_pixels: int
    by: How
    changes: Changes = NO_CHANGES


@dataclass(frozen=True)
class Settled:
    """All that decides stitched masks beside their images, and is told of them; `info` is what predictions.json said
    of the crops, and the dataset's sha256 is of the manifest that tells where they lie."""

    stitched: Stitched
    probabilities: bool
    cleaning: Cleaning
    classes: ClassTable | None
    info: Mapping[str, Any]
    dataset_sha256: str | None

    def make_folders(self, stage: Path) -> None:
        for name in ("masks", *(["probabilities"] if self.probabilities else [])):
            (stage / name).mkdir(exist_ok=True)


@dataclass(frozen=True)
class Put:
    """What came of one image: what cleaning did, and the boxes of it in which nothing was predicted."""

    changes: Changes
    unpredicted: tuple[Box, ...]


@dataclass(frozen=True)
class Stitcher:
    """How a source is stitched; a call writes its files below `stage`. Pickles, to work in another process."""

    predictions: Path
    stage: Path
    settled: Settled

    def __call__(self, source: Source) -> Put:
        settled, values = self.settled, None
        num_classes = len(settled.classes) if settled.classes else IGNORE
        blend = settled.stitched.by is How.BLEND
        bands = read_bands(self.predictions, source, num_classes, blend=blend, probabilities=settled.probabilities)
        if settled.probabilities:
            values = np.empty((num_classes, source.height, source.width), np.float16)
            bands = _filled(values, bands)
        labels: Iterable[Mask] = (band.labels for band in bands)
        changes = NO_CHANGES
        if settled.cleaning:
            cleaned, changes = clean_source(whole(bands, source.width, source.height), source, settled.cleaning)
            labels = [cleaned]
        write_mask_rows(mask_path(self.stage, source.stem), source.width, source.height, labels)
        if values is not None:
            write_probabilities(probabilities_path(self.stage, source.stem), values)
        return Put(changes, source.unpredicted)


@dataclass(frozen=True)
class PlannedStitch:
    """A stitching to be done: its sources in order, where their crops are, and where they lie on earth, if anywhere."""

    sources: list[Source]
    predictions: Path
    settled: Settled
    georeference: Georeference | None

    def worker(self, stage: Path) -> Stitcher:
        """How a source is stitched; folders for what is made are made in `stage`."""
        self.settled.make_folders(stage)
        return Stitcher(self.predictions, stage, self.settled)


def plan_stitch(
    predictions: Predictions,
    dataset: Dataset | None,
    *,
    by: How | None = None,
    probabilities: bool = False,
    cleaning: Cleaning = AS_PREDICTED,
) -> PlannedStitch:
    """With BLEND, crops' probabilities are blended where crops overlap; with INNER each pixel comes from the crop in
    which it lies farthest from the edge. `by` None blends where there are probabilities. With a dataset, its manifest
    says which crops there are; without, the predictions' own. Raises SagesegError as `plan_sources` does."""
    sources = plan_sources(predictions, dataset)
    classes = agreed_classes(predictions, dataset)
    stitched = Stitched(
        images=len(sources),
        crops=sum(len(source.predicted) for source in sources),
        dropped_crops=sum(source.dropped for source in sources) + dropped_before(predictions),
        uncovered_pixels=sum(source.uncovered for source in sources),
        by=_choose(by, predictions, sources, classes, keep=probabilities),
    )
    info = {key: value for key, value in predictions.info.items() if key != "resize"}
    settled = Settled(stitched, probabilities, cleaning, classes, info, dataset.digest if dataset else None)
    return PlannedStitch(sources, predictions.root, settled, find_georeference(predictions, dataset))


def stitch(
    predictions: Predictions,
    dataset: Dataset | None,
    out: Path,
    *,
    by: How | None = None,
    probabilities: bool = False,
    geotiff: bool = False,
    cleaning: Cleaning = AS_PREDICTED,
    overwrite: bool = False,
    workers: int | None = None,
) -> Stitched:
    """Write the folder `out`: predictions at full size, one mask per source, with `probabilities` their
    probabilities too. Whatever is asked of the folder then, and of the predictions, has one answer.

    How, `plan_stitch` tells. Padding is cut away, and a resize by prep undone. Memory holds a row or two of crops, or,
    where it is to be cleaned, a mask. With `geotiff` the tiles of rasters become the masks of whole rasters too, in the
    folder `rasters`. Raises SagesegError as `plan_sources` and `read_bands` do.
    """
    planned = plan_stitch(predictions, dataset, by=by, probabilities=probabilities, cleaning=cleaning)
    sources, classes = planned.sources, planned.settled.classes
    rasters = predicted_rasters(need_georeference(predictions, dataset), sources) if geotiff else {}
    with staged_folder(out, overwrite=overwrite) as stage:
        put = list(map_all(planned.worker(stage), sources, workers=workers, label="stitching"))
        for raster, tiles in rasters.items():
            write_mosaic(stage / RASTERS / mosaic_name(raster), raster, tiles, partial(_stitched_mask, stage), classes)
        return write_tables(stage, planned.settled, list(map(facts_of, sources)), put, planned.georeference)


def write_tables(
    stage: Path,
    settled: Settled,
    facts: Sequence[SourceFacts],
    put: Sequence[Put],
    georeference: Georeference | None,
) -> Stitched:
    """Write all that goes with the masks in `stage`; `facts` and what came of each are in the order of the sources."""
    if georeference:
        write_georeference(stage, georeference)
    changes = sum((each.changes for each in put), NO_CHANGES)
    rows = chain(map(_stitched_row, facts), chain.from_iterable(map(_unpredicted_rows, facts, put)))
    told = {**settled.info, **_told(settled.stitched, settled.cleaning, changes, settled.info)}
    write_predictions_tables(stage, rows, settled.classes, told)
    return replace(settled.stitched, changes=changes)


def _told(stitched: Stitched, cleaning: Cleaning, changes: Changes, info: Mapping[str, Any]) -> dict[str, Any]:
    """What predictions.json says of the stitching, and of each cleaning, the last one last."""
    told = {key: value for key, value in asdict(stitched).items() if key != "changes"}
    return {"stitched": told, **cleanings(info, cleaning, changes)}


def _stitched_mask(stage: Path, source: Source) -> Mask:
    return read_mask(mask_path(stage, source.stem))


def _choose(
    by: How | None, predictions: Predictions, sources: list[Source], classes: ClassTable | None, *, keep: bool
) -> How:
    """How it is stitched; to `keep` probabilities they must be blended."""
    possible = sources[0].probabilities
    if keep and by is How.INNER:
        raise SagesegError("--by inner: --probabilities keeps blended ones; leave one of the two out")
    if (keep or by is How.BLEND) and not possible:
        what, instead = ("to keep", "") if keep else ("to blend with", ", or stitch --by inner")
        raise SagesegError(f"{predictions.root}: no probabilities {what}; predict with --probabilities{instead}")
    if (keep or by is How.BLEND) and classes is None:
        need_classes(predictions, "blending probabilities")
    return by or (How.BLEND if possible and classes is not None else How.INNER)


def _filled(values: Probabilities, bands: Iterable[Band]) -> Iterator[Band]:
    """The bands, each of which fills its rows of `values` as it passes."""
    for band in bands:
        if band.probabilities is not None:
            values[:, band.top : band.top + band.labels.shape[0]] = band.probabilities
        yield band


def _unpredicted_rows(of: SourceFacts, put: Put) -> list[ManifestRow]:
    """Where a source's mask is background only because nothing was predicted there: rows without a file,
    whose ids tell size and place apart."""
    row = _stitched_row(of)
    return [
        replace(
            row,
            id=f"{crop_id(of.stem, box)}_{box.width}x{box.height}",
            x=box.left,
            y=box.top,
            width=box.width,
            height=box.height,
            kept=False,
        )
        for box in put.unpredicted
    ]


def _stitched_row(of: SourceFacts) -> ManifestRow:
    size = of.width, of.height
    return ManifestRow(of.stem, of.split, of.group, of.source, 0, 0, *size, *size, attributes=of.attributes)

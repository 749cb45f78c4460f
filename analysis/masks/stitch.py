"""Predicted crops put together to masks of the source images' size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from analysis.masks.sources import Source, agreed_classes, dropped_before, plan_sources
from analysis.options import AS_PREDICTED, Cleaning, How
from formats.classes import IGNORE, ClassTable
from formats.crops import crop_id
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
from formats.prepared.georeference import write_georeference

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

    With BLEND, crops' probabilities are blended where crops overlap; with INNER each pixel comes
    from the crop in which it lies farthest from the edge. `by` None blends where there are
    probabilities. Padding is cut away, and a resize by prep undone. With a dataset, its manifest
    says which crops there are; without, the predictions' own. Memory holds a row or two of crops, or, where
    it is to be cleaned, a mask. With `geotiff` the tiles of rasters become the masks of whole rasters too, in the
    folder `rasters`.
    Raises SagesegError as `plan_sources` and `read_bands` do.
    """
    sources = plan_sources(predictions, dataset)
    classes = agreed_classes(predictions, dataset)
    stitched = Stitched(
        images=len(sources),
        crops=sum(len(source.predicted) for source in sources),
        dropped_crops=sum(source.dropped for source in sources) + dropped_before(predictions),
        uncovered_pixels=sum(source.uncovered for source in sources),
        by=_choose(by, predictions, sources, classes, keep=probabilities),
    )
    georeference = need_georeference(predictions, dataset) if geotiff else find_georeference(predictions, dataset)
    rasters = predicted_rasters(georeference, sources) if georeference and geotiff else {}
    with staged_folder(out, overwrite=overwrite) as stage:
        for name in ("masks", *(["probabilities"] if probabilities else [])):
            (stage / name).mkdir()
        num_values = len(classes) if classes else IGNORE
        work = partial(_stitch_source, predictions.root, stage, num_values, stitched.by, probabilities, cleaning)
        changes = sum(map_all(work, sources, workers=workers, label="stitching"), NO_CHANGES)
        for raster, tiles in rasters.items():
            write_mosaic(stage / RASTERS / mosaic_name(raster), raster, tiles, partial(_stitched_mask, stage), classes)
        if georeference:
            write_georeference(stage, georeference)
        info = {key: value for key, value in predictions.info.items() if key != "resize"}
        rows = chain(map(_stitched_row, sources), chain.from_iterable(map(_unpredicted_rows, sources)))
        write_predictions_tables(stage, rows, classes, {**info, **_told(stitched, cleaning, changes, info)})
    return replace(stitched, changes=changes)


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


def _stitch_source(
    root: Path, stage: Path, num_classes: int, by: How, probabilities: bool, cleaning: Cleaning, source: Source
) -> Changes:
    bands = read_bands(root, source, num_classes, blend=by is How.BLEND, probabilities=probabilities)
    if probabilities:
        values = np.empty((num_classes, source.height, source.width), np.float16)
        bands = _filled(values, bands)
    labels: Iterable[Mask] = (band.labels for band in bands)
    changes = NO_CHANGES
    if cleaning:
        cleaned, changes = clean_source(whole(bands, source.width, source.height), source, cleaning)
        labels = [cleaned]
    write_mask_rows(mask_path(stage, source.stem), source.width, source.height, labels)
    if probabilities:
        write_probabilities(probabilities_path(stage, source.stem), values)
    return changes


def _filled(values: Probabilities, bands: Iterable[Band]) -> Iterator[Band]:
    """The bands, each of which fills its rows of `values` as it passes."""
    for band in bands:
        if band.probabilities is not None:
            values[:, band.top : band.top + band.labels.shape[0]] = band.probabilities
        yield band


def _unpredicted_rows(source: Source) -> list[ManifestRow]:
    """Where a source's mask is background only because nothing was predicted there: rows without a file,
    whose ids tell size and place apart."""
    row = _stitched_row(source)
    return [
        replace(
            row,
            id=f"{crop_id(source.stem, box)}_{box.width}x{box.height}",
            x=box.left,
            y=box.top,
            width=box.width,
            height=box.height,
            kept=False,
        )
        for box in source.unpredicted
    ]


def _stitched_row(source: Source) -> ManifestRow:
    row, size = source.row, (source.width, source.height)
    return ManifestRow(source.stem, row.split, row.group, row.source, 0, 0, *size, *size, attributes=row.attributes)

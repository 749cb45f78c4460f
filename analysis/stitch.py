"""Predicted crops put together to masks of the source images' size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from analysis.sources import Source, agreed_classes, dropped_before, plan_sources, read_prediction
from formats.classes import IGNORE, ClassTable
from formats.dataset import Dataset
from formats.manifest import ManifestRow
from formats.masks import write_mask
from formats.parallel import map_parallel
from formats.predictions import Predictions, mask_path, write_predictions_index
from formats.staging import staged_folder


@dataclass(frozen=True)
class Stitched:
    """What was put together; `dropped_crops` and `uncovered_pixels` became background."""

    images: int
    crops: int
    dropped_crops: int
    uncovered_pixels: int


def stitch(
    predictions: Predictions,
    dataset: Dataset | None,
    out: Path,
    *,
    overwrite: bool = False,
    workers: int | None = None,
) -> Stitched:
    """Write the folder `out`: predictions at full size, one mask per source.

    Each pixel comes from the crop in which it lies farthest from the edge; the padding is cut
    away. With a dataset, its manifest says which crops there are; without, the predictions' own.
    Raises SagesegError as `plan_sources` and `read_prediction` do.
    """
    sources = plan_sources(predictions, dataset)
    classes = agreed_classes(predictions, dataset)
    stitched = Stitched(
        images=len(sources),
        crops=sum(len(source.predicted) for source in sources),
        dropped_crops=sum(source.dropped for source in sources) + dropped_before(predictions.info),
        uncovered_pixels=sum(source.uncovered for source in sources),
    )
    with staged_folder(out, overwrite=overwrite) as stage:
        (stage / "masks").mkdir()
        work = partial(_stitch_source, predictions.root, stage, _num_values(classes))
        for _ in map_parallel(work, sources, workers=workers, label="stitching"):
            pass
        info = {**predictions.info, "stitched": asdict(stitched)}
        write_predictions_index(stage, map(_stitched_row, sources), classes, info)
    return stitched


def _num_values(classes: ClassTable | None) -> int:
    return len(classes) if classes else IGNORE


def _stitch_source(root: Path, stage: Path, num_classes: int, source: Source) -> None:
    write_mask(mask_path(stage, source.stem), read_prediction(root, source, num_classes))


def _stitched_row(source: Source) -> ManifestRow:
    row = source.row
    return ManifestRow(
        id=source.stem,
        split=row.split,
        group=row.group,
        source=row.source,
        x=0,
        y=0,
        width=source.width,
        height=source.height,
        source_width=source.width,
        source_height=source.height,
        attributes=row.attributes,
    )

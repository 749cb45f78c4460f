"""The report: a folder with the page, the scores, a table of images and their overlays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.assemble import owned_pixels
from analysis.colours import AGREEMENT_COLOURS, ColourScheme
from analysis.examine import Examiner
from analysis.page import render_page
from analysis.sources import Source, dropped_before, plan_sources
from analysis.summary import Absent, images_to_csv, summarise, summary_to_json
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.parallel import map_parallel
from formats.predictions import Predictions
from formats.staging import staged_folder, write_text

PAGE = "index.html"


def report(
    predictions: Predictions,
    dataset: Dataset,
    out: Path,
    *,
    colours: ColourScheme = ColourScheme.DEFAULT,
    overwrite: bool = False,
    workers: int | None = None,
    job_record: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the folder `out` and return what its scores.json holds.

    The predictions may be of crops or stitched; what is scored are full images, those that were
    predicted. `job_record` adds to what predictions.json tells of the job. Raises SagesegError as
    `plan_sources` and the readers of `analysis.sources` do.
    """
    sources = plan_sources(predictions, dataset)
    _check_truth(sources, dataset)
    absent = Absent(
        dropped_crops=sum(source.dropped for source in sources) + dropped_before(predictions.info),
        uncovered_pixels=sum(source.uncovered for source in sources),
        grey_images=sum(owned_pixels(source.kept) < source.width * source.height for source in sources),
    )
    job = {**predictions.info, **(job_record or {})}
    palette = AGREEMENT_COLOURS[colours]
    with staged_folder(out, overwrite=overwrite) as stage:
        (stage / "overlays").mkdir()
        examine = Examiner(predictions.root, dataset.root, stage, len(dataset.classes), palette)
        examined = map_parallel(examine, sources, workers=workers, label="scoring")
        summary = summarise(examined, dataset.classes, absent)
        scores = summary_to_json(summary)
        write_text(stage / "scores.json", json.dumps(scores, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        write_text(stage / "images.csv", images_to_csv(summary))
        title = str(job.get("job") or predictions.root.resolve().name)
        write_text(stage / PAGE, render_page(title, summary, palette, job))
    return scores


def _check_truth(sources: list[Source], dataset: Dataset) -> None:
    for source in sources:
        for piece in source.kept:
            if not dataset.mask_path(piece.id).is_file():
                raise SagesegError(f"{dataset.mask_path(piece.id)}: not found; the report needs the true masks")

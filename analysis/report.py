"""The report: a folder with the page, the scores, tables of images, objects and areas, and overlays."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from analysis.assemble import owned_pixels
from analysis.close_ups import close_ups
from analysis.colours import AGREEMENT_COLOURS, AgreementColours, ColourScheme
from analysis.csv_tables import areas_to_csv, images_to_csv, objects_to_csv
from analysis.drawing import Drawer
from analysis.examine import Examiner, ImageReport
from analysis.gallery import pictured
from analysis.page import Pictures, render_page
from analysis.report_files import IMAGES, PAGE, SCORES
from analysis.scores_json import summary_to_json
from analysis.scoring_options import ScoringOptions
from analysis.sources import Source, check_complete, dropped_before, plan_sources
from analysis.summary import Absent, Summary, summarise
from analysis.thumbnails import draw_thumbnails
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.parallel import available_cores, map_parallel
from formats.predictions import Predictions
from formats.staging import staged_folder, write_text

JOB_KEYS = (
    "job",
    "artefact",
    "artefact_sha256",
    "backend",
    "algorithm",
    "backbone",
    "hyperparameters",
    "image",
    "instance_type",
    "seconds",
    "cost_usd",
    "epochs",
)
"""What scores.json and the page tell of the job, where predictions.json knows it."""
_TABLES = {IMAGES: images_to_csv, "objects.csv": objects_to_csv, "areas.csv": areas_to_csv}


def report(
    predictions: Predictions,
    dataset: Dataset,
    out: Path,
    *,
    colours: ColourScheme = ColourScheme.DEFAULT,
    strips: bool = False,
    scoring: ScoringOptions | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    job_record: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the folder `out` and return what its scores.json holds.

    The predictions may be of crops or stitched; what is scored are full images, those that were
    predicted. `job_record` adds to what predictions.json tells of the job. Raises SagesegError as
    `plan_sources` and the readers of `analysis.sources` do.
    """
    scoring = scoring or ScoringOptions()
    sources = plan_sources(predictions, dataset)
    _check_truth(sources, dataset)
    if not scoring.partial:
        check_complete(sources, dataset)
    absent = Absent(
        dropped_crops=sum(source.scored_as_background() for source in sources) + dropped_before(predictions.info),
        unlabelled_crops=sum(len(source.unlabelled) for source in sources),
        uncovered_pixels=sum(source.uncovered for source in sources),
        grey_images=sum(owned_pixels(source.kept) < math.prod(source.kept_size) for source in sources),
    )
    job = {**predictions.info, **(job_record or {})}
    palette = AGREEMENT_COLOURS[colours]
    with staged_folder(out, overwrite=overwrite) as stage:
        draw = Drawer(stage, dataset.root, dataset.classes.names, palette, strips)
        draw.make_folders()
        examine = Examiner(predictions.root, dataset.root, len(dataset.classes), draw, scoring)
        examined = map_parallel(examine, sources, workers=workers, label="scoring")
        summary = summarise(examined, dataset.classes, absent, scoring)
        scores = {**summary_to_json(summary), "colors": colours.value, "job": _known(job)}
        write_text(stage / SCORES, json.dumps(scores, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        for name, to_csv in _TABLES.items():
            write_text(stage / name, to_csv(summary))
        thumbnails = _thumbnails(stage, summary, palette)
        pictures = Pictures(thumbnails, _close_ups(stage, scores, summary.images), absent.grey_images, strips)
        title = str(job.get("job") or predictions.root.resolve().name)
        write_text(stage / PAGE, render_page(title, scores, summary.images, pictures, palette))
    return scores


def _thumbnails(stage: Path, summary: Summary, colours: AgreementColours) -> dict[str, dict[str, str]]:
    """By stem; in threads, for they are few, and codecs leave the interpreter to others."""
    stems = pictured(summary.images)
    draw = partial(draw_thumbnails, stage, len(summary.classes), colours)
    with ThreadPoolExecutor(available_cores()) as pool:
        return dict(zip(stems, pool.map(draw, stems), strict=True))


def _known(job: Mapping[str, Any]) -> dict[str, Any]:
    return {key: job[key] for key in JOB_KEYS if job.get(key) not in (None, "", [], {})}


def _close_ups(report: Path, scores: Mapping[str, Any], images: Sequence[ImageReport]) -> dict[str, list[str]]:
    sizes = {image.stem: (image.width, image.height) for image in images}
    wrong = {key: (scores.get(key) or {}).get("largest", []) for key in ("false_positives", "missed")}
    places = {**wrong, "suspects": scores.get("suspects") or []}
    return {key: close_ups(report, listed, sizes) for key, listed in places.items()}


def _check_truth(sources: list[Source], dataset: Dataset) -> None:
    for source in sources:
        for piece in source.kept:
            if not dataset.mask_path(piece.id).is_file():
                raise SagesegError(f"{dataset.mask_path(piece.id)}: not found; the report needs the true masks")

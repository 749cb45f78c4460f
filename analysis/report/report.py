"""The report: a folder with the page, the scores, tables of images, objects and areas, and overlays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from analysis.drawing.close_ups import close_ups as draw_close_ups
from analysis.drawing.colours import AGREEMENT_COLOURS, AgreementColours, ColourScheme
from analysis.drawing.overlays import OverlayWriter
from analysis.drawing.thumbnails import draw_thumbnail
from analysis.masks.source_plan import SourceFacts, facts_of
from analysis.masks.sources import Source
from analysis.options import ScoringOptions
from analysis.report.csv_tables import areas_to_csv, images_to_csv, objects_to_csv
from analysis.report.examiner import Examiner
from analysis.report.judged_share import judged_to_json
from analysis.report.made import made_to_json, typed_command
from analysis.report.page.find_data import find_data
from analysis.report.page.layout import PageImages, render_page
from analysis.report.page.page_data import columns_script, divided, of_class, page_data, shown_inside, worst_and_best
from analysis.report.plots.patterns_json import attribute_scores_to_csv, crop_edges_to_csv, places_to_csv
from analysis.report.plots.plots_data import plots_data, time_bins
from analysis.report.scores_json import summary_to_json
from analysis.report.sharded.planned import OVERLAYS_DRAWN, Planned, ReportOptions, Settled, plan_report
from analysis.report_files import IMAGE_COLUMNS, IMAGES, OVERLAYS, PAGE, SCORES
from analysis.scoring.image_report import Examined, as_examined
from analysis.scoring.kept_images import KeptImages
from analysis.scoring.summary import Summary, summarise
from formats.console import say
from formats.dataset import Dataset
from formats.disk.value_file import ValueFile
from formats.disk.whole_files import write_lines, write_text
from formats.disk.whole_folders import staged_folder
from formats.parallel import available_cores, map_all
from formats.predictions import ModelFacts, Predictions
from formats.texts.json_text import json_pieces

_TABLES = {
    IMAGES: images_to_csv,
    "objects.csv": objects_to_csv,
    "areas.csv": areas_to_csv,
    "errors_by_place.csv": places_to_csv,
    "crop_edges.csv": crop_edges_to_csv,
    "attribute_scores.csv": attribute_scores_to_csv,
}


def report(
    predictions: Predictions,
    dataset: Dataset,
    out: Path,
    *,
    colours: ColourScheme = ColourScheme.DEFAULT,
    strips: bool = False,
    overlays: int | None = OVERLAYS_DRAWN,
    scoring: ScoringOptions | None = None,
    images: Path | None = None,
    overwrite: bool = False,
    workers: int | None = None,
) -> dict[str, Any]:
    """Write the folder `out` and return what its scores.json holds.

    The predictions may be of crops or stitched. What was dropped of an image is grey, or read from the folder `images`
    of those that prep read. Raises SagesegError as `plan_report` does, and for what is wrong with an image.
    """
    options = ReportOptions(colours, strips, overlays, scoring or ScoringOptions())
    plan = partial(plan_report, predictions, dataset, options, images)
    return make_report(plan, out, overwrite=overwrite, workers=workers)


def make_report(
    plan: Callable[[], Planned], out: Path, *, overwrite: bool = False, workers: int | None = None
) -> dict[str, Any]:
    """Write the folder `out` and return what its scores.json holds. What is planned is held by nobody else: each
    source goes when it has been examined, for together they are more than all that tables and page need."""
    with staged_folder(out, overwrite=overwrite) as stage:
        settled, examined = _begin(plan(), stage, workers)
        return write_report(stage, settled, examined, typed_command(), workers)


def _begin(planned: Planned, stage: Path, workers: int | None) -> tuple[Settled, Iterator[Examined]]:
    return planned.settled, _examine(planned.examiner(stage), _Passing(planned.sources), workers)


class _Passing:
    """Sources that are held until it is their turn, and from then on what is told of them until that is taken."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._count, self._left = len(sources), deque(sources)
        self.told = deque[SourceFacts]()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Source]:
        while self._left:
            source = self._left.popleft()
            self.told.append(facts_of(source))
            yield source


def _examine(examiner: Examiner, sources: _Passing, workers: int | None) -> Iterator[Examined]:
    for found in map_all(examiner, sources, workers=workers, label="scoring"):
        yield as_examined(sources.told.popleft(), found)


def write_report(
    stage: Path,
    settled: Settled,
    examined: Iterable[Examined],
    command: Sequence[str],
    workers: int | None = None,
) -> dict[str, Any]:
    """Write all that a report has beside what is drawn of each image at full size, which lies in `stage` when the image
    has passed, and return what scores.json holds. The images are in the order of the sources; `command` is what makes
    the report again, empty where none does."""
    with ValueFile(stage) as file:
        summary = summarise(examined, settled.classes, settled.options.scoring, settled.frame, file)
        return _write_summary(stage, settled, summary, command, workers)


def _write_summary(
    stage: Path, settled: Settled, summary: Summary, command: Sequence[str], workers: int | None
) -> dict[str, Any]:
    options, model = settled.options, settled.model
    palette = AGREEMENT_COLOURS[options.colours]
    judged = {**judged_to_json(summary.judged, settled.left_out), "predict_all": settled.predict_all}
    scores = {**summary_to_json(summary), "judged": judged, "colors": options.colours.value, "job": model.known()}
    scores["made"] = made_to_json(
        summary.images,
        command,
        predictions=settled.predictions,
        dataset=settled.dataset,
        dataset_sha256=settled.dataset_sha256,
    )
    scores |= settled.passed_on
    write_lines(stage / SCORES, chain(json_pieces(scores), "\n"))
    for name, to_csv in _TABLES.items():
        write_lines(stage / name, to_csv(summary))
    drawn = _write_overlays(stage, summary, palette, options.overlays, workers)
    close_ups = _close_ups(stage, scores, summary.images, palette)
    thumbnails = _thumbnails(stage, summary)
    shown = PageImages(len(thumbnails), close_ups, settled.grey_images, options.strips, drawn)
    data = _page_data(summary, scores, model, thumbnails, palette)
    inside = _write_columns(stage, summary.images, data)
    title = model.job or settled.predictions
    write_text(stage / PAGE, render_page(title, scores, model, inside, shown, palette))
    return scores


def _page_data(
    summary: Summary,
    scores: Mapping[str, Any],
    model: ModelFacts,
    thumbnails: Mapping[int, Mapping[str, Any]],
    colours: AgreementColours,
) -> dict[str, Any]:
    find, found = find_data(summary.images, scores)
    known = page_data(summary.images, thumbnails, scores["classes"], colours)
    found |= time_bins(summary)
    return {**known, "find": find, "found": found, "plots": plots_data(summary, scores, model)}


def _write_columns(stage: Path, images: KeptImages, data: Mapping[str, Any]) -> dict[str, Any]:
    """Write the columns of images and classes that lie beside the page, if any, and return what the page holds."""
    inside, beside = divided(data)
    if beside or data["classesBeside"]:
        (stage / IMAGE_COLUMNS).parent.mkdir()
    if beside:
        write_lines(stage / IMAGE_COLUMNS, columns_script(beside))
    for class_id, name in enumerate(data["classesBeside"] or [], start=1):
        write_lines(stage / name, columns_script({"class": class_id, **of_class(images, class_id)}))
    return inside


def _write_overlays(
    stage: Path, summary: Summary, colours: AgreementColours, number: int | None, workers: int | None
) -> int:
    places = worst_and_best(summary.images, len(summary.images) if number is None else number)
    stems = [summary.images[place].stem for place in places]
    (stage / OVERLAYS).mkdir()
    for _ in map_all(OverlayWriter(stage, colours), stems, workers=workers, label="overlays"):
        pass
    if len(stems) < len(summary.images):
        shown = f"{len(stems)} of {len(summary.images)} images, the worst and the best"
        say(f"note: overlays of {shown}; --overlays all draws all")
    return len(stems)


def _thumbnails(stage: Path, summary: Summary) -> dict[int, dict[str, Any]]:
    """Those inside the page, by place; in threads, for they are few, and codecs leave the interpreter to others."""
    places = shown_inside(summary.images)
    stems = [summary.images[place].stem for place in places]
    with ThreadPoolExecutor(available_cores()) as pool:
        return dict(zip(places, pool.map(partial(draw_thumbnail, stage), stems), strict=True))


def _close_ups(
    stage: Path, scores: Mapping[str, Any], images: KeptImages, colours: AgreementColours
) -> dict[str, list[str]]:
    wrong = {key: (scores.get(key) or {}).get("largest", []) for key in ("false_positives", "missed")}
    places = {**wrong, "suspects": scores.get("suspects") or []}
    wanted = {each["stem"] for listed in places.values() for each in listed}
    sizes = {image.stem: (image.width, image.height) for image in images if image.stem in wanted}
    return {key: draw_close_ups(stage, listed, sizes, colours) for key, listed in places.items()}

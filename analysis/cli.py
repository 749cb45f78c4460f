"""`sageseg analysis`: predictions put together, scored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.drawing.colours import ColourScheme
from analysis.options import How, Rule, ScoringOptions, parse_overlays
from formats.command_options import takes

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Put predictions together, score them and report.",
)

PredictionsFolder = Annotated[Path, typer.Argument(help="Predictions, of crops or stitched.")]
ImagesFolder = Annotated[Path, typer.Argument(help="The images that were predicted, at full size.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace --out if it exists.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes.  [default: one per core]", show_default=False)]


@app.command()
def stitch(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the full-size masks go.")],
    dataset: Annotated[
        Path | None, typer.Option(help="The dataset that was predicted; it knows the dropped crops too.")
    ] = None,
    by: Annotated[
        How | None,
        typer.Option(
            help="Blend crops' probabilities, or take each pixel from the inner part of its crop."
            "  [default: blend where there are probabilities]",
            show_default=False,
        ),
    ] = None,
    seams: Annotated[
        bool, typer.Option("--seams", help="Also tell how wrong crops are at their edges, by --dataset's masks.")
    ] = False,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Put predicted crops together to masks of the images' full size."""
    from analysis.masks.stitch import stitch as stitch_predictions
    from analysis.scoring.seams import audit_seams, write_seams
    from formats.console import result, say
    from formats.dataset import open_dataset
    from formats.errors import SagesegError
    from formats.predictions import open_predictions

    opened, source = open_dataset(dataset) if dataset else None, open_predictions(predictions)
    if seams and opened is None:
        raise SagesegError("--seams compares with true masks; add --dataset")
    audit = audit_seams(source, opened, workers=workers) if seams and opened else None
    stitched = stitch_predictions(source, opened, out, by=by, overwrite=overwrite, workers=workers)
    if audit:
        write_seams(out, audit)
        say(audit.sentence())
    if stitched.dropped_crops:
        say(f"{stitched.dropped_crops} dropped crops were not predicted and became background")
    if stitched.uncovered_pixels:
        say(f"{stitched.uncovered_pixels} pixels lie in no crop and became background")
    say(f"{stitched.images} masks from {stitched.crops} crops, by {stitched.by}")
    result(str(out / "masks"))


@app.command()
@takes(ScoringOptions, "scoring")
def report(
    predictions: PredictionsFolder,
    *,
    dataset: Annotated[Path, typer.Option(help="The dataset with the images and the true masks.")],
    out: Annotated[Path, typer.Option(help="Where the report goes.")],
    colors: Annotated[
        ColourScheme,
        typer.Option(help="Correct, wrong, missed: green, red, blue; light: yellow, red, green; safe: colour-blind."),
    ] = ColourScheme.DEFAULT,
    strips: Annotated[
        bool, typer.Option("--strips", help="Also write image, truth, prediction and difference side by side.")
    ] = False,
    overlays: Annotated[
        str, typer.Option(metavar="N|all", help="Full-size overlays of so many of the worst images, and of the best.")
    ] = "500",
    scoring: ScoringOptions,
    overwrite: Overwrite = False,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scores.json instead of a table.")] = False,
) -> None:
    """Score predictions on full images and write a page that shows where they fail."""
    import json

    from analysis.report.report import report as write_report
    from analysis.report.scores_text import format_scores
    from analysis.report_files import PAGE
    from formats.console import result, say
    from formats.dataset import open_dataset
    from formats.predictions import open_predictions

    opened = open_predictions(predictions), open_dataset(dataset)
    drawn = parse_overlays(overlays)
    scores = write_report(
        *opened,
        out,
        colours=colors,
        strips=strips,
        overlays=drawn,
        scoring=scoring,
        overwrite=overwrite,
        workers=workers,
    )
    if as_json:
        result(json.dumps(scores, indent=2, ensure_ascii=False))
        say(str(out / PAGE))
        return
    result(format_scores(scores))
    result(f"\n{out / PAGE}")


@app.command()
def combine(
    predictions: Annotated[list[Path], typer.Argument(help="Two or more predictions of the same crops.")],
    *,
    out: Annotated[Path, typer.Option(help="Where the combined predictions go.")],
    by: Annotated[
        Rule,
        typer.Option(help="Mean of the probabilities; or majority of the masks, where the first named breaks ties."),
    ] = Rule.MEAN,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Make several models' predictions into one."""
    from analysis.masks.combine import combine as combine_predictions
    from formats.console import result, say
    from formats.predictions import open_predictions

    opened = [open_predictions(each) for each in predictions]
    combined = combine_predictions(opened, out, by=by, overwrite=overwrite, workers=workers)
    say(f"{combined} predictions combined by {by}")
    result(str(out))


@app.command()
def submission(
    source: Annotated[Path, typer.Argument(help="Predictions; or a submission, to turn back into masks.")],
    *,
    out: Annotated[Path, typer.Option(help="The CSV, gzipped if it ends in .gz; or the folder for masks.")],
    class_name: Annotated[
        str | None, typer.Option("--class", help="The class that is submitted, if there are several.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="The images' size, for turning a submission back.")
    ] = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write masks as Kaggle's Carvana challenge takes them, run-length encoded; or read them back."""
    from analysis.exports.submission import masks_from_submission, parse_size, write_submission
    from formats.console import result, say
    from formats.predictions import open_predictions

    if source.is_dir():
        opened = open_predictions(source)
        written = write_submission(opened, out, class_name=class_name, overwrite=overwrite, workers=workers)
        say(f"{written} images encoded")
    else:
        written = masks_from_submission(source, out, parse_size(size), class_name=class_name, overwrite=overwrite)
        say(f"{written} masks decoded")
    result(str(out))


@app.command()
def labelme(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the JSON files go.")],
    images: Annotated[
        Path | None, typer.Option(help="The images' folder.  [default: beside the JSON files]", show_default=False)
    ] = None,
    tolerance: Annotated[float, typer.Option(help="How far a polygon may stray from the outline, in pixels.")] = 1.0,
    least_pixels: Annotated[int, typer.Option(min=1, help="Leave out regions and holes of fewer pixels.")] = 1,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Write predictions as labelme's polygons, to correct and to train on."""
    from analysis.exports.labelme import export_labelme
    from formats.console import result, say
    from formats.predictions import open_predictions

    exported = export_labelme(
        open_predictions(predictions),
        out,
        images=images,
        tolerance=tolerance,
        least_pixels=least_pixels,
        overwrite=overwrite,
        workers=workers,
    )
    if exported.left_out:
        say(f"{exported.left_out} regions of fewer than {least_pixels} pixels were left out")
    say(f"{exported.polygons} polygons of {exported.images} images")
    result(str(out))


@app.command()
def overlay(
    predictions: PredictionsFolder,
    images: ImagesFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the drawn images go.")],
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Draw predictions on their images: classes tinted and outlined, with a legend. Needs no truth."""
    from analysis.exports.image_folder import draw_folder
    from analysis.exports.tint import Tint
    from formats.console import result
    from formats.predictions import open_predictions

    opened = open_predictions(predictions)
    drawn = draw_folder(
        opened, images, out, Tint(opened.classes), label="drawing", overwrite=overwrite, workers=workers
    )
    _say_dropped(drawn.dropped_crops)
    result(str(out))


@app.command()
def cutout(
    predictions: PredictionsFolder,
    images: ImagesFolder,
    *,
    out: Annotated[Path, typer.Option(help="Where the cut-out images go.")],
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOUR|IMAGE",
            help="What stands behind: a colour such as white or #f4f4f4, or an image, scaled to fill. Makes JPEGs."
            "  [default: nothing, as PNGs with transparency]",
            show_default=False,
        ),
    ] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Soft edges, from probabilities.")] = False,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Remove the background of images, or replace it, by their predictions, at full size."""
    from analysis.exports.cutout import Cutout, parse_background
    from analysis.exports.image_folder import draw_folder
    from formats.console import result
    from formats.predictions import open_predictions

    behind = None if background is None else parse_background(background)
    opened = open_predictions(predictions)
    cut = Cutout(opened.classes, behind, soft)
    drawn = draw_folder(opened, images, out, cut, label="cutting out", overwrite=overwrite, workers=workers)
    _say_dropped(drawn.dropped_crops)
    result(str(out))


@app.command()
def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT REPORT...", help="Folders that report wrote.")],
    *,
    out: Annotated[Path, typer.Option(help="Where the comparison goes.")],
    overwrite: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json instead of a table.")] = False,
) -> None:
    """Several reports side by side: scores, differences image by image, time and cost."""
    import json

    from analysis.comparison.page import write_comparison
    from analysis.comparison.text import format_comparison
    from analysis.report_files import PAGE
    from formats.console import result, say

    comparison = write_comparison(reports, out, overwrite=overwrite)
    if as_json:
        result(json.dumps(comparison, indent=2, ensure_ascii=False))
        say(str(out / PAGE))
        return
    result(format_comparison(comparison))
    result(f"\n{out / PAGE}")


def _say_dropped(crops: int) -> None:
    from formats.console import say

    if crops:
        say(f"{crops} dropped crops were not predicted and count as background")

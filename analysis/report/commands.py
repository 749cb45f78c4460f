"""`sageseg analysis report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.drawing.colours import ColourScheme
from analysis.options import Overwrite, PredictionsFolder, ScoringOptions, Workers
from formats.command_options import takes
from formats.errors import SagesegError


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
    from analysis.report.report import report as write_report
    from analysis.report.scores_text import format_scores, tell
    from analysis.report_files import PAGE
    from formats.dataset import open_dataset
    from formats.predictions import open_predictions
    from formats.staging import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=(predictions, dataset))
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
    tell(scores, format_scores, out / PAGE, as_json=as_json)


def parse_overlays(text: str) -> int | None:
    """`500`, or `all`, which is None."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise SagesegError(f"--overlays {text}: expected how many of the worst images to draw, such as 500, or all")
    return int(text)

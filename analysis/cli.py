"""`sageseg analysis`: predictions put together, scored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.colours import ColourScheme

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Put predictions together, score them and report.",
)

PredictionsFolder = Annotated[Path, typer.Argument(help="Predictions, of crops or stitched.")]
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
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Put predicted crops together to masks of the images' full size."""
    from analysis.stitch import stitch as stitch_predictions
    from formats.console import result, say
    from formats.dataset import open_dataset
    from formats.predictions import open_predictions

    opened = open_dataset(dataset) if dataset else None
    stitched = stitch_predictions(open_predictions(predictions), opened, out, overwrite=overwrite, workers=workers)
    if stitched.dropped_crops:
        say(f"{stitched.dropped_crops} dropped crops were not predicted and became background")
    if stitched.uncovered_pixels:
        say(f"{stitched.uncovered_pixels} pixels lie in no crop and became background")
    say(f"{stitched.images} masks from {stitched.crops} crops")
    result(str(out / "masks"))


@app.command()
def report(
    predictions: PredictionsFolder,
    *,
    dataset: Annotated[Path, typer.Option(help="The dataset with the images and the true masks.")],
    out: Annotated[Path, typer.Option(help="Where the report goes.")],
    colors: Annotated[
        ColourScheme,
        typer.Option(
            help="Correct, wrong and missed as green, red, blue (default); as yellow, red, green (light);"
            " or for colour-blind eyes (safe)."
        ),
    ] = ColourScheme.DEFAULT,
    overwrite: Overwrite = False,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print scores.json instead of a table.")] = False,
) -> None:
    """Score predictions on full images and write a page that shows where they fail."""
    import json

    from analysis.report import PAGE
    from analysis.report import report as write_report
    from analysis.scores_text import format_scores
    from formats.console import result, say
    from formats.dataset import open_dataset
    from formats.predictions import open_predictions

    opened = open_predictions(predictions), open_dataset(dataset)
    scores = write_report(*opened, out, colours=colors, overwrite=overwrite, workers=workers)
    if as_json:
        result(json.dumps(scores, indent=2, ensure_ascii=False))
        say(str(out / PAGE))
        return
    result(format_scores(scores))
    result(f"\n{out / PAGE}")

"""`sageseg analysis areas`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.options import Cleaning, ListFile, Overwrite, PredictionsFolder, Scale, Workers, parse_scale
from formats.command_options import takes


@takes(Cleaning, "cleaning")
def areas(
    predictions: PredictionsFolder,
    *,
    out: Annotated[Path, typer.Option(help="The folder for areas.json, images.csv and objects.csv.")],
    scale: Annotated[
        Scale | None,
        typer.Option(parser=parse_scale, metavar="SIDE", help="Side of a pixel, such as 0.5mm/px.", show_default=False),
    ] = None,
    scales: Annotated[
        Path | None, typer.Option(help="A CSV with a side for each group or image: group,scale or image,scale.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="The dataset with the true masks, to compare areas with.")
    ] = None,
    listed: ListFile = None,
    cleaning: Cleaning,
    overwrite: Overwrite = False,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print areas.json instead of a table.")] = False,
) -> None:
    """Measure the area of each class, image and object of predictions; with truth, of that too."""
    from analysis.areas.areas import AREAS, measure_areas
    from analysis.areas.text import format_areas
    from analysis.report.scores_text import tell
    from formats.dataset import open_dataset
    from formats.predictions import open_predictions
    from formats.staging import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=(predictions, dataset))
    content = measure_areas(
        open_predictions(predictions),
        out,
        dataset=open_dataset(dataset) if dataset else None,
        scale=scale,
        scales=scales,
        listed=listed,
        cleaning=cleaning,
        overwrite=overwrite,
        workers=workers,
    )
    tell(content, format_areas, out / AREAS, as_json=as_json)

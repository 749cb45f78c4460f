"""`sageseg analysis areas`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.options import Cleaning, ListFile, Overwrite, PredictionsFolder, Scale, TrueMasks, Workers, parse_scale
from formats.errors import SagesegError
from formats.verbs.command_options import takes


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
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Without a dataset: group = first capture in the image's name.  [default: the predictions' groups]",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="The dataset with the true masks, to compare areas with.")
    ] = None,
    truth: TrueMasks = None,
    listed: ListFile = None,
    cleaning: Cleaning,
    overwrite: Overwrite = False,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print areas.json instead of a table.")] = False,
) -> None:
    """Measure the area of each class, image and object of predictions; with truth, of that too."""
    from analysis.areas.areas import AREAS, measure_areas
    from analysis.areas.text import format_areas
    from analysis.plain.opening import grouped_by, open_predictions
    from analysis.plain.truth import TruthFolder, open_with_truth
    from analysis.report.scores_text import tell
    from formats.dataset import open_dataset
    from formats.disk.whole_folders import refuse_existing
    from formats.prepared.groups import parse_group_by

    refuse_existing(out, overwrite=overwrite, reads=(predictions, dataset, truth))
    if dataset and truth:
        raise SagesegError(f"--dataset {dataset} and --truth {truth}: expected one of them")
    known = open_dataset(dataset) if dataset else None
    if dataset and group_by:
        raise SagesegError(f"--group-by {group_by}: a dataset has groups of its own; leave it out")
    pattern = parse_group_by(group_by) if group_by else None
    if truth:
        given = TruthFolder(truth, group_by=pattern, partial=True)
        opened, known = open_with_truth(predictions, given, workers=workers)
    else:
        opened = open_predictions(predictions, dataset=known, workers=workers)
        opened = grouped_by(opened, pattern) if pattern else opened
    content = measure_areas(
        opened,
        out,
        dataset=known,
        scale=scale,
        scales=scales,
        listed=listed,
        cleaning=cleaning,
        overwrite=overwrite,
        workers=workers,
    )
    tell(content, format_areas, out / AREAS, as_json=as_json)

"""`sageseg analysis suspects`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.options import ListFile, Overwrite, PredictionsFolder, Workers
from formats.console import result


def suspects(
    predictions: PredictionsFolder,
    *,
    dataset: Annotated[Path, typer.Option(help="The dataset with the true masks.")],
    out: Annotated[Path, typer.Option(help="The CSV, one row per image, the most suspicious first.")],
    listed: ListFile = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Rank true masks by how much the model doubts them: which labels to look at again."""
    from analysis.masks.chosen import listed_alone
    from analysis.plain.opening import open_predictions
    from analysis.scoring.suspect_list import rank_suspects, suspects_to_csv
    from formats.dataset import open_dataset
    from formats.disk.whole_files import staged_file

    with staged_file(out, overwrite=overwrite) as beside:
        opened = open_dataset(dataset)
        every = open_predictions(predictions, dataset=opened, workers=workers)
        ranked = rank_suspects(listed_alone(every, opened, listed), opened, workers=workers)
        beside.write_text(suspects_to_csv(ranked), encoding="utf-8", newline="")
    result(str(out))

"""`sageseg analysis suspects`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.options import Overwrite, PredictionsFolder, Workers
from formats.console import result


def suspects(
    predictions: PredictionsFolder,
    *,
    dataset: Annotated[Path, typer.Option(help="The dataset with the true masks.")],
    out: Annotated[Path, typer.Option(help="The CSV, one row per image, the most suspicious first.")],
    overwrite: Overwrite = False,
    workers: Workers = None,
) -> None:
    """Rank true masks by how much the model doubts them: which labels to look at again."""
    from analysis.plain.opening import open_predictions
    from analysis.scoring.suspect_list import rank_suspects, suspects_to_csv
    from formats.dataset import open_dataset
    from formats.disk.whole_files import staged_file

    with staged_file(out, overwrite=overwrite) as beside:
        opened = open_dataset(dataset)
        ranked = rank_suspects(open_predictions(predictions, dataset=opened, workers=workers), opened, workers=workers)
        beside.write_text(suspects_to_csv(ranked), encoding="utf-8", newline="")
    result(str(out))

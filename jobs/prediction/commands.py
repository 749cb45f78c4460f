"""The verbs of jobs that look at a trained model, or put shards together; `predict`, which may stitch, and `export`,
which scores, stand in `sageseg/`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.console import result
from formats.verbs.completion import JOBS

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A job's name, a model.tar.gz here, or its file:/// or s3:// URI.",
        autocompletion=JOBS,
    ),
]
Region = Annotated[str | None, typer.Option(help="AWS region; by default the job's, or the environment's.")]

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is at --out.")]


def merge(
    shards: Annotated[
        Path, typer.Argument(metavar="SHARDS", help="The --out of the shards, with their plan.", show_default=False)
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the predictions to make.", show_default=False)],
    overwrite: Overwrite = False,
) -> None:
    """All shards of predictions as what a single machine would have made."""
    from jobs.prediction.shards import merge_predictions

    count = merge_predictions(shards, out, overwrite=overwrite)
    result(f"{count} predictions in {out}")


def features(
    model: Model,
    image: Annotated[Path, typer.Argument(help="An image to look at.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Figure to write: .png, .pdf or .svg.", show_default=False)],
    region: Region = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw what each stage of a network makes of an image, and list its layers with shapes and parameters."""
    from formats.disk.whole_files import refuse_existing_file
    from jobs.algorithm.machine.torch_loading import load_torch

    refuse_existing_file(out, overwrite=overwrite)
    load_torch("jobs features")
    from jobs.algorithm.serving.features import check_figure, draw_features
    from jobs.tracking.trained_model import find_model

    check_figure(out)
    layers, stages = draw_features(find_model(model, region).artefact, image, out)
    for line in layers:
        result(line)
    result(f"{out}: {stages} stages")

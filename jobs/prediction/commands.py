"""The verbs of jobs that look at a trained model itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.command_options import takes
from formats.console import result
from jobs.prediction.options import PredictOptions, RouteOptions


def export(
    artefact: Annotated[Path, typer.Argument(help="A model.tar.gz.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File to write: model.onnx, or model.pt2.", show_default=False)],
) -> None:
    """Write a trained model as ONNX or as a torch.export archive, for images of any size."""
    from jobs.algorithm.machine.torch_loading import load_torch

    load_torch("jobs export", "local,onnx" if out.suffix == ".onnx" else "local")
    from jobs.algorithm.serving.export import export_artefact

    difference = export_artefact(artefact, out)
    result(f"{out}: probabilities within {difference:.1e} of the network's")


def features(
    artefact: Annotated[Path, typer.Argument(help="A model.tar.gz.", show_default=False)],
    image: Annotated[Path, typer.Argument(help="An image to look at.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Figure to write: .png, .pdf or .svg.", show_default=False)],
) -> None:
    """Draw what each stage of a network makes of an image: the mean of its channels, and those that vary most."""
    from jobs.algorithm.machine.torch_loading import load_torch

    load_torch("jobs features")
    from jobs.algorithm.serving.features import draw_features

    count = draw_features(artefact, image, out)
    result(f"{out}: {count} stages")


@takes(PredictOptions, "options")
@takes(RouteOptions, "route")
def predict(
    job_or_artefact: Annotated[str, typer.Argument(help="A job's name, a model.tar.gz here, or its s3:// URI.")],
    images_or_dataset: Annotated[Path, typer.Argument(help="A dataset, or a folder of full images.")],
    out: Annotated[Path, typer.Option(help="Folder of the predictions to make.", show_default=False)],
    options: PredictOptions,
    route: RouteOptions,
) -> None:
    """Predict masks with a trained model: on its endpoint, in a batch transform, or on this machine."""
    from jobs.prediction.predict import predict as make_predictions

    count = make_predictions(job_or_artefact, images_or_dataset, out, options, route)
    result(f"{count} predictions in {out}")

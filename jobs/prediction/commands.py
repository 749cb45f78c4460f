"""The verbs of jobs that look at a trained model itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.console import result


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

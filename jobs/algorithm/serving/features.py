"""A look into a network: what each of its stages makes of one image, as a figure, and its layers in words.

    sageseg jobs features model.tar.gz image.jpg --out figure.png

A row for each stage: the mean of its channels, and those that vary most over the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import nn

from formats.classes import voc_palette
from formats.disk.whole_files import write_bytes
from formats.errors import SagesegError, from_extra
from formats.images import Rgb, read_image
from formats.masks import Mask
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.machine.device import EXACT
from jobs.algorithm.network.unet import UNet
from jobs.algorithm.serving.layers import format_layers, network_parts, recorded_layers
from jobs.contract.artefact import Artefact

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 5
"""Channels of a stage that are shown, beside the mean of all."""
_SUFFIXES = (".png", ".pdf", ".svg")
_CELL = 2.2
"""Width of one image in the figure, in inches."""
_DOTS = 120

Map = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Stage:
    """The activations after one part of a network, (C, h, w)."""

    name: str
    activations: Map

    def strongest(self, count: int) -> list[int]:
        """The channels that vary most over the image, the first most."""
        spread = self.activations.std((1, 2))
        return [int(channel) for channel in np.argsort(-spread, kind="stable")[:count]]


def check_figure(out: Path) -> None:
    """Raise SagesegError where no figure can be written."""
    if out.suffix not in _SUFFIXES:
        raise SagesegError(f"--out {out}: expected a name that ends in {', '.join(_SUFFIXES)}")
    if not out.parent.is_dir():
        raise SagesegError(f"--out {out}: no folder {out.parent}; make it first")
    with from_extra("plot", f"--out {out}"):  # before a network is loaded for nothing
        import matplotlib.figure  # noqa: F401


def draw_features(artefact: Artefact, image: Path, out: Path) -> tuple[list[str], int]:
    """Write the figure of an artefact's network over an image; returns its layers as lines of a table, and the number
    of stages in the figure. Raises SagesegError for a file that cannot be read, and as `check_figure` does."""
    check_figure(out)
    pixels, predictor = read_image(image), Predictor(artefact, EXACT)
    with _recorded(predictor.network) as stages, recorded_layers(predictor.network) as layers:
        predicted = predictor.predict_masks(pixels[None].copy())[0]  # of Pillow's own memory torch warns
        table = format_layers(layers())
    _write_figure(pixels, predicted, stages, image.name, out)
    return table, len(stages)


def network_stages(network: nn.Module) -> dict[str, nn.Module]:
    """The parts whose activations are shown, by name, in the order in which an image passes them: unet's head gives
    blocks of scores, and the auxiliary head nothing."""
    hidden = {"head", "auxiliary head"} if isinstance(network, UNet) else {"auxiliary head"}
    parts = network_parts(network)
    return {name: network.get_submodule(paths[-1]) for name, paths in parts.items() if name not in hidden}


@contextmanager
def _recorded(network: nn.Module) -> Iterator[list[Stage]]:
    """The stages of the image that passes the network in this context."""
    stages: list[Stage] = []

    def record(name: str) -> Any:
        return lambda _module, _inputs, output: stages.append(Stage(name, output[0].float().cpu().numpy()))

    hooks = [part.register_forward_hook(record(name)) for name, part in network_stages(network).items()]
    try:
        yield stages
    finally:
        for hook in hooks:
            hook.remove()


def _write_figure(image: Rgb, predicted: Mask, stages: Sequence[Stage], title: str, out: Path) -> None:
    drawn = BytesIO()
    _draw(image, predicted, stages, title).savefig(drawn, format=out.suffix[1:], dpi=_DOTS)
    write_bytes(out, drawn.getvalue())


def _draw(image: Rgb, predicted: Mask, stages: Sequence[Stage], title: str) -> Figure:
    """One row for the image and its prediction, and one for each stage."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, columns = len(stages) + 1, SHOWN + 1
    height = _CELL * min(max(image.shape[0] / image.shape[1], 0.3), 3) + 0.35
    figure = Figure((columns * _CELL + 0.3, rows * height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    _show(grid[0, 0], image, title)
    _show(grid[0, 1], voc_palette()[predicted], "prediction")
    for row, stage in zip(grid[1:], stages, strict=True):
        _draw_stage(row, stage)
    return figure


def _draw_stage(row: Sequence[Axes], stage: Stage) -> None:
    channels, height, width = stage.activations.shape
    _show(row[0], stage.activations.mean(0), f"{stage.name}: {channels} of {width} × {height}\nmean")
    for axes, channel in zip(row[1:], stage.strongest(SHOWN), strict=False):
        _show(axes, stage.activations[channel], f"channel {channel}")


def _show(axes: Axes, image: Any, title: str) -> None:
    axes.imshow(image, interpolation="nearest", cmap="viridis")
    axes.set_title(title, fontsize=8, loc="left")

"""The curves of a training as a figure: loss above, mIOU and pixel accuracy below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from formats.errors import SagesegError, from_extra
from jobs.contract.log_lines import EpochMetrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FORMATS = (".png", ".svg", ".pdf")
_LOSS, _MIOU, _ACCURACY, _BEST, _LAST = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555"


def best_epoch(epochs: Sequence[EpochMetrics]) -> EpochMetrics | None:
    """The epoch with the highest validation mIOU, the first of equals: the one that is served."""
    scored = [epoch for epoch in epochs if epoch.validation_mIOU is not None and math.isfinite(epoch.validation_mIOU)]
    return max(scored, key=lambda epoch: epoch.validation_mIOU or 0.0, default=None)


def draw_curves(epochs: Sequence[EpochMetrics], out: Path, *, title: str, on_train: bool = False) -> None:
    """Draw loss, mIOU and pixel accuracy by epoch (counted from 0, as in the log), the best and the last marked."""
    if out.suffix.lower() not in _FORMATS:
        raise SagesegError(f"--plot {out}: expected a name that ends in {', '.join(_FORMATS)}")
    if not epochs:
        raise SagesegError(f"{title}: no epoch in the log yet, so there is nothing to draw; ask again later")
    with from_extra("plot", f"--plot {out}"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title)
    _plot(upper, epochs, "train_loss", "training loss", _LOSS)
    kind = "training" if on_train else "validation"
    _plot(lower, epochs, "validation_mIOU", f"{kind} mIOU", _MIOU)
    _plot(lower, epochs, "validation_pixel_accuracy", f"{kind} pixel accuracy", _ACCURACY)
    _mark(upper, lower, epochs)
    upper.set_ylabel("loss")
    lower.set_ylabel("share")
    lower.set_xlabel("epoch, counted from 0")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
        axes.legend(loc="best", fontsize="small")
    try:
        figure.savefig(out)
    except OSError as e:
        raise SagesegError(f"--plot {out}: cannot be written ({e.strerror}); choose another place") from e


def _plot(axes: Axes, epochs: Sequence[EpochMetrics], name: str, label: str, colour: str) -> None:
    points = [(epoch.epoch, value) for epoch in epochs if (value := getattr(epoch, name)) is not None]
    axes.plot([x for x, _ in points], [y for _, y in points], ".-", color=colour, label=label)


def _mark(upper: Axes, lower: Axes, epochs: Sequence[EpochMetrics]) -> None:
    best, last = best_epoch(epochs), epochs[-1]
    if best is not None:
        for axes in (upper, lower):
            axes.axvline(best.epoch, color=_BEST, linestyle="--", label=f"best, epoch {best.epoch}")
        lower.annotate(
            f"{best.validation_mIOU:.4f}",
            (best.epoch, best.validation_mIOU or 0.0),
            (4, 4),
            textcoords="offset points",
        )
    for axes in (upper, lower):
        axes.axvline(last.epoch, color=_LAST, linestyle=":", label=f"last, epoch {last.epoch}")

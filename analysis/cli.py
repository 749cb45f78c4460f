"""The verbs of analysis."""

from __future__ import annotations

from typing import Any

import typer
import typer.core

from analysis.areas.commands import areas
from analysis.comparison.commands import compare
from analysis.exports.commands import cutout, overlay, submission
from analysis.exports.label_commands import coco, cvat, geojson, labelme, labelstudio
from analysis.masks.commands import combine, stitch
from analysis.options import with_values
from analysis.report.commands import report
from analysis.scoring.commands import suspects
from analysis.selection.commands import select

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Put predictions together, score them and report.",
)


class Verb(typer.core.TyperCommand):
    """A command some of whose options may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(with_values(args)))


for verb in (
    stitch,
    report,
    suspects,
    areas,
    compare,
    combine,
    overlay,
    cutout,
    select,
    labelme,
    coco,
    cvat,
    labelstudio,
    geojson,
    submission,
):
    app.command(cls=Verb)(verb)

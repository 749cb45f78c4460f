"""The verbs of analysis."""

from __future__ import annotations

import typer

from analysis.comparison.commands import compare
from analysis.exports.commands import coco, cutout, labelme, overlay, submission
from analysis.masks.commands import combine, stitch
from analysis.report.commands import report

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Put predictions together, score them and report.",
)
for verb in (stitch, report, combine, submission, labelme, coco, overlay, cutout, compare):
    app.command()(verb)

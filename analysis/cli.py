"""The verbs of analysis."""

from __future__ import annotations

from typing import Any

from analysis.areas.commands import areas
from analysis.comparison.commands import compare
from analysis.exports.commands import cutout, overlay, submission
from analysis.exports.label_commands import coco, cvat, geojson, labelme, labelstudio
from analysis.masks.commands import combine, stitch
from analysis.options import with_values
from analysis.report.commands import gate, merge, report
from analysis.scoring.commands import suspects
from analysis.selection.commands import select
from formats.verbs.mounting import Verb, make_app

app = make_app("Put predictions together, score them and report.")


class BareVerb(Verb):
    """A verb some of whose options may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(with_values(args)))


for verb in (
    stitch,
    report,
    merge,
    gate,
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
    app.command(cls=BareVerb)(verb)

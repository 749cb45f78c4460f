"""The verbs of analysis."""

from __future__ import annotations

from analysis.comparison.commands import compare
from analysis.exports.commands import cutout, overlay, submission
from analysis.exports.label_commands import coco, cvat, geojson, labelme, labelstudio
from analysis.masks.commands import combine, stitch
from analysis.report.commands import report
from analysis.scoring.commands import suspects
from analysis.selection.commands import select
from formats.verbs.mounting import make_app

app = make_app("Put predictions together, score them and report.")
for verb in (
    stitch,
    report,
    suspects,
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
    app.command()(verb)

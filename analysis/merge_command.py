"""`sageseg analysis merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.options import Overwrite, Workers


def merge(
    shards: Annotated[
        Path, typer.Argument(metavar="SHARDS", help="The --out of the shards, with their plan.", show_default=False)
    ],
    *,
    out: Annotated[Path, typer.Option(help="Where the report, or the stitched masks, go.")],
    overwrite: Overwrite = False,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Of a report print scores.json instead of a table.")] = False,
) -> None:
    """All shards of a report, or of stitched masks, as what a single machine would have made."""
    from analysis.report.scores_text import format_scores, tell
    from analysis.report.work.shards import merge_report
    from analysis.report_files import PAGE

    scores = merge_report(shards, out, overwrite=overwrite, workers=workers)
    tell(scores, format_scores, out / PAGE, as_json=as_json)

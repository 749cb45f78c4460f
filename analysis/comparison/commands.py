"""`sageseg analysis compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analysis.options import Overwrite


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT REPORT...", help="Folders that report wrote.")],
    *,
    out: Annotated[Path, typer.Option(help="Where the comparison goes.")],
    common: Annotated[
        bool, typer.Option("--common", help="Compare only the images that all reports have and judge alike.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print comparison.json instead of a table.")] = False,
) -> None:
    """Several reports side by side: scores, differences image by image, time and cost."""
    from analysis.comparison.page import write_comparison
    from analysis.comparison.text import format_comparison
    from analysis.report.scores_text import tell
    from analysis.report_files import PAGE
    from formats.disk.whole_folders import refuse_existing

    refuse_existing(out, overwrite=overwrite, reads=reports)
    comparison = write_comparison(reports, out, common=common, overwrite=overwrite)
    tell(comparison, format_comparison, out / PAGE, as_json=as_json)

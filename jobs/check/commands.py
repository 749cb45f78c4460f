"""`sageseg prep check`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formats.command_options import takes
from formats.console import result
from jobs.check.settings import CheckSettings


@takes(CheckSettings, "settings")
def check(
    dataset: Annotated[Path, typer.Argument(help="Folder that prep made.")],
    settings: CheckSettings,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one per core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """What a training on this dataset would fail or suffer from; exit code 1 where there is an error."""
    from jobs.check.dataset_check import check_dataset, describe, errors_among, to_json

    findings = check_dataset(dataset, settings, workers=workers)
    result(to_json(findings) if as_json else "\n".join(map(describe, findings)) or "no finding")
    if errors_among(findings):
        raise typer.Exit(1)

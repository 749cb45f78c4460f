"""Names of jobs as arguments of verbs, which a shell completes."""

from __future__ import annotations

from typing import Annotated

import typer

from formats.verbs.completion import kept_names

_JOBS = kept_names("jobs")
JobName = Annotated[str, typer.Argument(help="Name of a job.", autocompletion=_JOBS)]
JobOrLog = Annotated[str, typer.Argument(help="A job's name, or a file with a training log.", autocompletion=_JOBS)]

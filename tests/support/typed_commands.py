"""`sageseg` as somebody types it, run by the process that is there: a new one takes longer to start than most
commands to run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sageseg.cli import main

Ran = subprocess.CompletedProcess[str]
_PROCESS = [sys.executable, "-m", "sageseg"]


def typed(words: Sequence[str], cwd: Path) -> Ran:
    """What a process would print, and the code that it would end with."""
    out, err, code = StringIO(), StringIO(), None
    argv = patch.object(sys, "argv", ["sageseg", *words])
    with argv, chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    return Ran([*words], int(code or 0), out.getvalue(), err.getvalue())


def type_instead_of_starting() -> None:
    """From now on `subprocess.run` starts no process for `python -m sageseg`."""
    start = subprocess.run

    def run(words: Sequence[str], **how: Any) -> Any:
        if list(words[:3]) != _PROCESS:
            return start(words, **how)
        assert (how.pop("capture_output"), how.pop("text"), how.pop("check")) == (True, True, False)
        return typed(words[3:], how.pop("cwd", None) or Path())

    subprocess.run = run  # type: ignore[assignment]

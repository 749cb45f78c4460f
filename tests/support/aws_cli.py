"""The AWS CLI, unmodified, run by the process that tests: a new one takes longer to start than the call takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch


def aws(words: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a process would print, and the code that it would end with."""
    out, err = TextIOWrapper(BytesIO(), "utf-8", write_through=True), StringIO()
    argv, environment = patch.object(sys, "argv", ["aws", *words]), patch.dict(os.environ, AWS_DATA_PATH=_own_data())
    with environment, argv, chdir(cwd), redirect_stdout(out), redirect_stderr(err):
        from awscli.clidriver import main  # its import changes AWS_DATA_PATH too

        code = main()
    return subprocess.CompletedProcess([*words], code, out.buffer.getvalue().decode(), err.getvalue())


def _own_data() -> str:
    found = find_spec("awscli")
    assert found
    assert found.submodule_search_locations
    return str(Path(found.submodule_search_locations[0]) / "data")

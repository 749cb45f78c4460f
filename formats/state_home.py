"""Where state is kept: records of jobs, the emulator, caches; and where trained models are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from contextvars import ContextVar
from pathlib import Path

_STANDS: ContextVar[Path | None] = ContextVar("_STANDS", default=None)


def home() -> Path:
    """$SAGESEG_HOME, by default .sageseg in the current folder, also where it is set to nothing; absolute."""
    return Path(os.environ.get("SAGESEG_HOME") or ".sageseg").absolute()


def models_folder() -> Path:
    """Where jobs of this machine leave their models, `sageseg-runs/NAME/output/model.tar.gz`: beside the state, which
    is hidden."""
    return home().parent / "sageseg-runs"


def stands() -> Path:
    """The folder where the user stands, from which printed paths are to be followed."""
    return _STANDS.get() or Path.cwd()


@contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """Work in another folder than the one where the user stands, which is given."""
    here = stands()
    token = _STANDS.set(here)
    try:
        with chdir(folder):
            yield here
    finally:
        _STANDS.reset(token)

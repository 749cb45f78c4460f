"""Where state is kept: records of jobs, the emulator, caches; and where trained models are."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """$SAGESEG_HOME, by default .sageseg in the current folder; absolute."""
    return Path(os.environ.get("SAGESEG_HOME", ".sageseg")).absolute()


def models_folder() -> Path:
    """Where jobs of this machine leave their models, `sageseg-runs/NAME/output/model.tar.gz`: beside the state, which
    is hidden."""
    return home().parent / "sageseg-runs"

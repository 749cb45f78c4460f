"""Where state is kept: records of jobs, the emulator, caches."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """$SAGESEG_HOME, by default .sageseg in the current folder; absolute."""
    return Path(os.environ.get("SAGESEG_HOME", ".sageseg")).absolute()

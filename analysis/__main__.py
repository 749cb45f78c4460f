"""`python -m analysis`, the same commands as `sageseg analysis`."""

from __future__ import annotations

from analysis.cli import app
from formats.console import run_app

run_app(app)

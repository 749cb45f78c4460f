"""A plugin of pytest that prints each failure when it happens, for a run that may be cut off:
`PYTHONPATH=benchmarks pytest -p instant_failures`. With xdist too, for it hears of every report."""

from __future__ import annotations

import sys

import pytest


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        sys.stderr.write(f"\nFAILED {report.nodeid} ({report.when})\n{report.longreprtext}\n")
        sys.stderr.flush()

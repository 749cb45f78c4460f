"""A plugin of pytest for runs that may be cut off: it prints each failure when it happens, and a line at the end.

    PYTHONPATH=benchmarks pytest -n 0 -p instant_failures tests/algorithm >/dev/null

All goes to standard error, where several runs beside each other stay readable.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import pytest

_counts = Counter[str]()
_started = time.monotonic()


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _tell(f"\nCANNOT BE READ {report.nodeid}\n{report.longreprtext}")
        _counts["failed"] += 1


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _tell(f"\nFAILED {report.nodeid} ({report.when})\n{report.longreprtext}\n{report.capstderr}")
    if report.when == "call" or not report.passed:
        _counts[report.outcome] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    counts = ", ".join(f"{_counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
    _tell(f"{' '.join(session.config.args)}: {counts}, {time.monotonic() - _started:.0f} s")


def _tell(text: str) -> None:
    sys.__stderr__.write(f"{text}\n")  # type: ignore[union-attr]
    sys.__stderr__.flush()  # type: ignore[union-attr]

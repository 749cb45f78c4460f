"""A report's folder as other services are told of it: its scores, and that they are of the model in question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from formats.texts.told_scores import ToldScore


@dataclass(frozen=True)
class ToldReport:
    """`scores` are those over all pixels; `level` is that of their intervals, None where they have none."""

    folder: Path
    scores: tuple[ToldScore, ...]
    level: float | None
    groups: int
    images: int


def open_report(folder: Path, job: str = "", artefact_sha256: str = "") -> ToldReport:
    """The report in a folder. Raises SagesegError where it is none, or tells of another job or artefact than these."""
    from analysis.report.scores_shape import open_scores
    from analysis.report.told_scores import told_scores

    scores = open_scores(folder, "shown")
    _check_model(folder, scores.get("job") or {}, job, artefact_sha256)
    intervals = scores.get("intervals") or {}
    has_any = intervals.get("overall") is not None
    return ToldReport(
        folder,
        tuple(told_scores(scores)),
        float(intervals["level"]) if has_any else None,
        int(intervals.get("groups", 0)),
        int(scores.get("images", 0)),
    )


def _check_model(folder: Path, told: Mapping[str, Any], job: str, artefact_sha256: str) -> None:
    """A report that tells of no model is taken: predictions of other programs say nothing of it."""
    of_job, of_artefact = told.get("job"), told.get("artefact_sha256")
    if job and of_job and of_job != job:
        raise SagesegError(f"{folder}: a report of job {of_job}, not of {job}; name that job, or {job}'s own report")
    if artefact_sha256 and of_artefact and of_artefact != artefact_sha256:
        raise SagesegError(
            f"{folder}: a report of another artefact (sha256 {of_artefact[:16]}…, not {artefact_sha256[:16]}…); name "
            "the report of this one"
        )


def show_report(folder: Path) -> None:
    """What `analysis report` printed when it wrote this folder."""
    from analysis.report.scores_shape import read_scores
    from analysis.report.scores_text import format_scores, tell
    from analysis.report_files import PAGE, SCORES

    path = folder / SCORES
    try:
        content = path.read_bytes()
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); remove {folder}, and it is made again") from e
    tell(read_scores(content, path, "shown"), format_scores, folder / PAGE)

"""What lies in a scores.json where one is read again: to compare reports, and to show one again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from analysis.report_files import SCORES
from analysis.scoring.scores import every_metric
from formats.errors import SagesegError
from formats.predictions import Cleaned
from formats.texts.json_text import without_member
from formats.texts.typed_json import parse_told, short

MEND = "make the report again"


class _Wrong(TypedDict):
    count: int
    pixels: int


class _Judged(TypedDict):
    pixels: int
    of: int
    share: float | None
    not_predicted: int
    images_not_predicted: int
    predict_all: NotRequired[str]


class _Intervals(TypedDict):
    groups: int
    level: float
    note: str | None
    overall: dict[str, list[float] | dict[str, list[float] | None] | None] | None


class _Made(TypedDict, total=False):
    at: str
    tool_version: str
    predictions: str
    dataset: str
    dataset_sha256: str | None
    truth_sha256: str
    splits: dict[str, int]


class _Compared(TypedDict):
    classes: list[str]
    overall: dict[str, dict[str, float | None] | float | None]
    job: NotRequired[dict[str, Any] | None]
    made: NotRequired[_Made | None]
    attributes: NotRequired[dict[str, Any] | None]
    cleaned: NotRequired[list[Cleaned]]
    colors: NotRequired[str | None]
    intervals: NotRequired[_Intervals | None]


class _Shown(_Compared, total=False):
    false_positives: _Wrong
    missed: _Wrong
    images: int
    log_loss: float | None
    judged: _Judged


def open_scores(folder: Path, use: Literal["compared", "shown"]) -> dict[str, Any]:
    """The scores of the report in a folder."""
    return read_scores(report_file(folder, SCORES), folder / SCORES, use)


def report_file(folder: Path, name: str) -> bytes:
    """A file's content. Raises SagesegError where the folder holds no report."""
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as e:
        if folder.is_file():
            raise SagesegError(f"{folder}: a file; expected the folder of a report, {folder.parent}") from e
        raise SagesegError(
            f"{folder}: no report here ({name} is missing); make one with sageseg analysis report"
        ) from e
    except OSError as e:
        raise SagesegError(f"{folder / name}: cannot be read ({e.strerror}); {MEND}") from e


def read_scores(content: bytes, path: Path, use: Literal["compared", "shown"]) -> dict[str, Any]:
    """The scores of a report, whose members are `Told`, without those of groups, of which there may be as many as
    images. Raises SagesegError that names the file."""
    content = without_member(content, "groups")
    scores: dict[str, Any] = parse_told(content, _Shown if use == "shown" else _Compared, path, MEND)
    told = [scores["overall"], (scores.get("intervals") or {}).get("overall") or {}]
    by_class = {metric.key for metric in every_metric()}
    for name, value in (item for each in told for item in each.items()):
        if value is not None and isinstance(value, dict) != (name in by_class):
            raise SagesegError(f"{path}: damaged ({short(name)} is {short(value)}); {MEND}")
        pairs = value.values() if isinstance(value, dict) else [value]
        if any(isinstance(pair, list) and len(pair) != 2 for pair in pairs):
            raise SagesegError(f"{path}: damaged (an interval of {short(name)} has no two ends); {MEND}")
    return scores

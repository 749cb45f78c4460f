"""Whether a report's scores are good enough: the lower bounds of their intervals beside what is wanted of them.

    sageseg analysis gate report --least mean_iou=0.8 --least iou.car=0.9

A lower bound, and not the score itself: another draw of as many groups seldom scores less (docs/metrics.md, Intervals).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from analysis.report.judged_share import judged_share
from analysis.report.made import training_images
from analysis.report.scores_shape import MEND
from analysis.report_files import PAGE, SCORES
from analysis.scoring.scores import ACCURACY, every_metric
from formats.errors import SagesegError, for_all
from formats.texts.told_numbers import parse_number
from formats.texts.typed_json import short
from formats.texts.wording import format_score, name_first

_OF_RIGHT = {"false_positive_rate": "specificity"}
"""Scores of which less is better, each with the one that is 1 less it."""
_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Least:
    """What is wanted of a score: `mean_iou`, or `iou.car`, a metric and a class, which may hold dots."""

    score: str
    value: float


@dataclass(frozen=True)
class Verdict:
    """A score with its interval over `groups`, beside what is wanted of it."""

    wanted: Least
    value: float
    low: float
    high: float
    level: float
    groups: int

    @property
    def passed(self) -> bool:
        return self.low >= self.wanted.value

    def __str__(self) -> str:
        low = _rounded(self.low, ROUND_FLOOR)  # never up to what is wanted
        interval = f"{self.level * 100:.0f} %: {low} to {format_score(self.high)}, over {self.groups} groups"
        return f"{format_score(self.value)} ({interval})"


def parse_least(text: str) -> Least:
    """`mean_iou=0.8` or `iou.car=0.9`. Raises SagesegError too for a score that no report has, whatever its classes."""
    score, _, value = text.rpartition("=")
    number = parse_number(value)
    if not score or not 0 <= number <= 1:
        raise SagesegError(f"--least {text}: expected a score and a number from 0 to 1, such as mean_iou=0.8")
    _check_score(score)
    return Least(score, number)


def _check_score(score: str) -> None:
    by_class = [metric.key for metric in every_metric()]
    means = [*(name for metric in every_metric() for name in metric.means), ACCURACY]
    metric, _, name = score.partition(".")
    if metric in _OF_RIGHT:
        other = f"{_OF_RIGHT[metric]}.{name}" if name else _OF_RIGHT[metric]
        raise SagesegError(f"--least {score}: of it less is better; expected {other}, which is 1 less it")
    if metric in by_class and not name:
        also = f", or mean_{score}" if f"mean_{score}" in means else ""
        raise SagesegError(f"--least {score}: told by class; expected such as {score}.car{also}")
    if metric not in by_class and score not in means:
        _refuse(score, f"{metric}.{name}" if name else metric, [*means, *by_class], "no such score")


def check_class(score: str, classes: Sequence[str]) -> None:
    """Raise SagesegError for the score of a class that is none of these."""
    metric, dot, name = score.partition(".")
    if dot and name not in classes:
        _refuse(score, score, [f"{metric}.{each}" for each in classes], "no such class")


def _refuse(score: str, asked: str, known: Sequence[str], why: str) -> NoReturn:
    """Raise SagesegError that names what may have been meant."""
    close = get_close_matches(asked, known, n=1)
    meant = f"did you mean {close[0]}?" if close else f"expected one of {name_first(known)}"
    raise SagesegError(f"--least {score}: {why}; {meant}")


def check_once(wanted: Sequence[Least]) -> Sequence[Least]:
    """Raises SagesegError where a score is given twice."""
    names = [each.score for each in wanted]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise SagesegError(f"--least {twice}: given twice; say once what is wanted of it")
    return wanted


def judge(scores: Mapping[str, Any], wanted: Sequence[Least], report: Path) -> list[Verdict]:
    """The verdicts on a report whose scores.json was read. Raises SagesegError for a class that it has not, and for a
    score without an interval, of which nothing can be promised."""
    return for_all(lambda least: _judge(scores, least, report), wanted)


def _judge(scores: Mapping[str, Any], least: Least, report: Path) -> Verdict:
    where = f"{report}: {least.score}"
    value = _part(scores["overall"], least.score, report)
    if value is None:
        raise SagesegError(
            f"{where} is undefined, since nothing that was judged decides it; judge images that show the class, or "
            "take it away"
        )
    intervals = scores.get("intervals")
    if intervals is None:
        raise SagesegError(f"{report / SCORES}: tells no intervals, as an early report; {MEND}")
    if intervals["overall"] is None:
        note = intervals["note"] or "it tells none"
        raise SagesegError(f"{where} is {format_score(value)}, without an interval ({note}); {_cure(intervals)}")
    low, high = _part(intervals["overall"], least.score, report) or (-1, -1)
    if not 0 <= low <= high <= 1:
        raise SagesegError(f"{report / SCORES}: damaged (no interval of {short(least.score)}); {MEND}")
    return Verdict(least, value, low, high, intervals["level"], intervals["groups"])


def _part(told: Mapping[str, Any], score: str, report: Path) -> Any:
    """What is told of a score."""
    metric, _, name = score.partition(".")
    if score in told and not name:
        return told[score]
    by_class = told.get(metric) or {}
    if name not in by_class:
        if by_class:
            _refuse(score, score, [f"{metric}.{each}" for each in by_class], f"no score of {report}")
        raise SagesegError(f"--least {score}: no score of {report}, as of an early one; {MEND}")
    return by_class[name]


def _cure(intervals: Mapping[str, Any]) -> str:
    if intervals["groups"] < 2:
        return "judge images of two groups or more (prep --group-by says what a group is)"
    return "make the report again without --draws 0"


def notes(scores: Mapping[str, Any]) -> Iterator[str]:
    """What makes a verdict worth less than it seems."""
    share = judged_share(scores["judged"]) if "judged" in scores else None
    if share:
        yield f"note: {share}"
    seen = training_images((scores.get("made") or {}).get("splits", {}))
    if seen:
        yield f"note: {seen}"


def describe(verdicts: Sequence[Verdict]) -> list[str]:
    """A line for each score."""
    width = max(len(each.wanted.score) for each in verdicts)
    return [
        f"{each.wanted.score:<{width}}  {each}  at least {each.wanted.value}: {'holds' if each.passed else 'fails'}"
        for each in verdicts
    ]


def check_passed(verdicts: Sequence[Verdict], report: Path) -> None:
    """Raise SagesegError that names each score whose lower bound is below what is wanted, and by how much."""
    failed = [each for each in verdicts if not each.passed]
    if not failed:
        return
    told = "; ".join(
        f"{each.wanted.score} is {each}, its lower bound {_short_of(each)} below {each.wanted.value}" for each in failed
    )
    if all(each.value >= each.wanted.value for each in failed):
        step = "the score itself is high enough: more groups to judge would make the interval narrower"
    else:
        step = f"{report / PAGE} shows where it fails"
    raise SagesegError(f"{report}: {told}; {step}")


def _short_of(verdict: Verdict) -> Decimal:
    return _rounded(Decimal(str(verdict.wanted.value)) - Decimal(str(verdict.low)), ROUND_CEILING)


def _rounded(value: float | Decimal, rounding: str) -> Decimal:
    return Decimal(str(value)).quantize(_PLACES, rounding)


def verdicts_to_json(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What `--out` and `--json` tell; docs/analysis.md describes it."""
    return {
        "passed": all(each.passed for each in verdicts),
        "scores": {
            each.wanted.score: {
                "value": each.value,
                "low": each.low,
                "high": each.high,
                "least": each.wanted.value,
                "passed": each.passed,
            }
            for each in verdicts
        },
    }

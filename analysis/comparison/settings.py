"""What is told of the reports' data and jobs, side by side: what differs, and apart from it what is the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.comparison.scored import ReportScores
from analysis.masks.cleaning import cleaning_words
from analysis.report.page.layout import model_facts

NOT_KNOWN, NOT_SET, NOT_CLEANED = "not known", "not set", "not cleaned"
_SHORT = 12
"""Digits of a checksum that a person compares."""


@dataclass(frozen=True)
class Setting:
    """One line: `values` in the order of the reports, with words where one says nothing; `is_code` for a name that is
    typed as it stands."""

    label: str
    values: tuple[str, ...]
    is_code: bool = False

    @property
    def is_same(self) -> bool:
        return len(set(self.values)) == 1


def settings(reports: Sequence[ReportScores]) -> tuple[list[Setting], list[Setting]]:
    """The settings that differ, and those that are the same; what no report tells of is in neither."""
    facts = side_by_side([_facts(report) for report in reports], lambda _: NOT_KNOWN)
    given = [report.model.hyperparameters for report in reports]
    hyperparameters = side_by_side(given, lambda place: NOT_SET if given[place] else NOT_KNOWN, is_code=True)
    cleaned = ["; ".join(cleaning_words(report.scores.get("cleaned", []))) or NOT_CLEANED for report in reports]
    cleaning = [Setting("Masks", tuple(cleaned))] if set(cleaned) != {NOT_CLEANED} else []
    every = [*facts, *cleaning, *hyperparameters]
    return [each for each in every if not each.is_same], [each for each in every if each.is_same]


def side_by_side(
    tables: Sequence[Mapping[str, str]], missing: Callable[[int], str], *, is_code: bool = False
) -> list[Setting]:
    """Every key that any table has, in order of appearance, with the value of each; `missing` says what stands where
    the table at a place has none."""
    keys = dict.fromkeys(key for table in tables for key in table)
    return [
        Setting(key, tuple(table.get(key, missing(place)) for place, table in enumerate(tables)), is_code)
        for key in keys
    ]


def _facts(report: ReportScores) -> dict[str, str]:
    made = report.scores.get("made") or {}
    told = {
        "Dataset": made.get("dataset"),
        "Dataset digest": (made.get("dataset_sha256") or "")[:_SHORT],
        "Split": ", ".join(name for name in made.get("splits") or {} if name),
        "Predictions": made.get("predictions"),
    }
    return {**{label: text for label, text in told.items() if text}, **dict(model_facts(report.model))}


def about_datasets(reports: Sequence[ReportScores]) -> str:
    """Whether the reports are of one dataset, in words. The truth is the same for each image that is compared."""
    known: list[Mapping[str, Any]] = [report.scores.get("made") or {} for report in reports]
    digests = {made.get("dataset_sha256") for made in known}
    if len(digests) > 1 and None not in digests:
        return "Different datasets; each image compared is judged by the same truth"
    if None in digests:
        return "Not every report tells the digest of its dataset; each image compared is judged by the same truth"
    return f"One dataset: {known[0].get('dataset', '')}, digest {str(digests.pop())[:_SHORT]}"

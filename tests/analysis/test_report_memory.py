"""What a report holds while it makes its tables: what it found in the images, not what it read to find it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from analysis.masks.sources import Source
from analysis.report.scores_json import summary_to_json
from analysis.scoring.summary import Summary
from formats.manifest import ManifestRow
from tests.analysis.test_cli import run
from tests.support.dataset_samples import disc_image, make_dataset, make_predictions

STEMS = ("gone_01", "gone_02", "gone_03")


def _rows_and_sources() -> list[Any]:
    known = [each for each in gc.get_objects() if type(each) in (ManifestRow, Source)]  # others' may say what they like
    return [each for each in known if (each.id if isinstance(each, ManifestRow) else each.stem).startswith("gone_")]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_planned_has_gone_when_tables_are_made(
    workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = {stem: disc_image(40, 30, seed=n) for n, stem in enumerate(STEMS)}
    dataset = make_dataset(tmp_path / "dataset", samples)
    predictions = make_predictions(tmp_path / "p", dataset, {stem: mask for stem, (_, mask) in samples.items()})
    given = (predictions.root, "--dataset", dataset.root, "--out", tmp_path / "out", "--workers", workers)
    del dataset, predictions
    held: list[int] = []

    def count(summary: Summary) -> dict[str, Any]:
        held.append(len(_rows_and_sources()))
        return summary_to_json(summary)

    monkeypatch.setattr("analysis.report.report.summary_to_json", count)
    assert run(monkeypatch, "report", *given) == 0
    assert held == [0]

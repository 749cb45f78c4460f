"""The images of a report as they are kept: as they were, in their order, in little memory."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from analysis.masks.pairs import pair
from analysis.masks.source_plan import SourceFacts
from analysis.options import ScoringOptions
from analysis.scoring.image_measures import measure
from analysis.scoring.image_report import Examined, Findings, ImageReport, as_examined, digest_truth
from analysis.scoring.objects import Kind
from analysis.scoring.patterns.looking import Seen
from analysis.scoring.patterns.places import count_places, frame_of
from analysis.scoring.summary import Summary, summarise
from formats.classes import ClassTable
from formats.disk.value_file import ValueFile
from tests.support.dataset_samples import disc_image

SIZE = (48, 32)
CLASSES = ClassTable(("_background_", "car"))
FRAME = frame_of([SIZE])


def findings(shift: int, *, empty: bool = False) -> Findings:
    _, truth = disc_image(*SIZE)
    truth = truth * (not empty)
    prediction = np.roll(truth, shift, axis=1)
    pairs = pair(truth, prediction, 2)
    seen = Seen(count_places(pairs, SIZE, 2, FRAME), None)
    return Findings(digest_truth(pairs, 2), 0, measure(truth, prediction, 2, ScoringOptions(), pairs), None, None, seen)


def examined(found: Sequence[Findings], number: int) -> Iterator[Examined]:
    """So many images, each a group of its own."""
    for each in range(number):
        name = f"car{each:04}"
        facts = SourceFacts(name, f"{name}.jpg", name, "val", {}, *SIZE)
        yield as_examined(facts, found[each % len(found)])


def summary(images: Iterator[Examined], file: ValueFile) -> Summary:
    return summarise(images, CLASSES, ScoringOptions(draws=0), FRAME, file)


def test_images_are_as_they_were_worst_first(tmp_path: Path) -> None:
    found = [findings(0), findings(9), findings(0, empty=True), findings(3)]
    given = {each.report.stem: each.report for each in examined(found, 8)}
    with ValueFile(tmp_path) as file:
        kept = summary(examined(found, 8), file).images
        read = list(kept)
        assert [image.stem for image in kept[2:4]] == [image.stem for image in read[2:4]]
    assert [int(image.stem[-1]) for image in read] == [1, 5, 3, 7, 0, 4, 2, 6]
    for image in read:
        assert same(image, given[image.stem]), image.stem
    assert kept.pixels[:, 0].tolist() == [list(image.true_pixels) for image in read]
    assert read[-1].scores.of("dice")[1] == 1, "right about a class that others have"
    assert math.isnan(given["car0002"].scores.of("dice")[1])


def same(one: ImageReport, other: ImageReport) -> bool:
    """In all but the scores, of which a part of the report may have more."""
    names = {field.name for field in fields(ImageReport)} - {"scores", "confused"}
    alike = all(getattr(one, name) == getattr(other, name) for name in names)
    kinds = [each.kind for each in (*one.false_positives, *one.missed)]
    return alike and all(isinstance(kind, Kind) for kind in kinds) and np.array_equal(one.confused, other.confused)


def test_one_image_more_takes_less_than_two_kilobytes(tmp_path: Path) -> None:
    """An object for each would take eight."""
    found, used = [findings(4)], {}
    for number in (100, 400):
        with ValueFile(tmp_path) as file:
            tracemalloc.start()
            made = summary(examined(found, number), file)
            used[number], _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert len(made.images) == number
    assert (used[400] - used[100]) / 300 < 2000


def test_no_image_is_nothing_to_sum_up(tmp_path: Path) -> None:
    with ValueFile(tmp_path) as file, pytest.raises(ValueError, match="no image to sum up"):
        summary(iter([]), file)

"""What was made by another line is not put together as that which is typed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from formats.errors import SagesegError
from jobs.processing.same_line import Line, check_same

INPUT = "/opt/ml/processing/input"


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders of images, of which one has two names, and lists of classes that are called alike."""
    monkeypatch.chdir(tmp_path)
    for name in ("a/images", "b/images"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name).with_name("classes.txt").write_text("car")
    (tmp_path / "link").symlink_to("a/images")


def check(typed: str, made_by: str, line: str = "", texts: Sequence[str] = ()) -> None:
    line = f"sageseg jobs process {line}" if line else ""
    check_same("out: made", Line(typed.split(), texts), made_by.split(), line, "choose another")


@pytest.mark.parametrize(
    ("typed", "made_by", "line"),
    [
        ("prep voc a/images --crop 64", "prep voc images --crop 64", ""),
        ("prep voc a/images/ --labels=a/classes.txt", "prep voc images --labels=classes.txt", ""),
        ("prep voc link", "prep voc images", "prep voc a/images --out x"),
        ("prep voc gone/images --workers 3", "prep voc images", "prep voc /elsewhere/images"),
        ("prep voc a/images", f"prep voc {INPUT}/1/images --workers=2", "--out y prep voc a/images"),
        ("prep voc s3://b/c/ --seed 1", "prep voc s3://b/c/ --seed 1", "prep voc s3://b/c --seed 1"),
        ("analysis report s3://b/p", "analysis report p", "--instances 9 report s3://b/p/"),
        ("jobs predict a/output/model.tar.gz i", f"jobs predict {INPUT}/1/job/output/model.tar.gz i", "not' a line"),
        ("prep voc a/images", "prep voc images", "prep voc vans"),
    ],
)  # fmt: skip
def test_the_same_in_other_words_is_gone_on_with(typed: str, made_by: str, line: str) -> None:
    check(typed, made_by, line)


@pytest.mark.parametrize(
    ("typed", "made_by", "line", "found", "own"),
    [
        ("prep voc i --crop 256", "prep voc i --crop 512", "", "--crop 512", "--crop 256"),
        ("prep voc i --crop=256", "prep voc i --crop=512", "", "--crop=512", "--crop=256"),
        ("prep voc i", "prep voc i --seed 1", "", "--seed", "nothing"),
        ("prep voc i --stratify", "prep voc i", "", "nothing", "--stratify"),
        ("prep voc i", "prep kitti i", "", "kitti", "voc"),
        ("prep voc s3://b/c", "prep voc s3://d/c", "", "s3://d/c", "s3://b/c"),
        ("prep voc a/images", "prep voc s3://d/images", "", "s3://d/images", "a/images"),
        ("prep voc a/images", "prep voc images", "prep voc b/images --out o", "b/images", "a/images"),
        ("jobs predict s3://b/1/m", "jobs predict m", "predict s3://b/2/m", "s3://b/2/m", "s3://b/1/m"),
        ("analysis report a/images", "analysis report images", "report s3://b/images", "s3://b/images", "a/images"),
        ("prep voc i --labels=a/classes.txt", "prep voc i --labels=classes.txt",
         "prep voc i --labels=b/classes.txt", "--labels=b/classes.txt", "--labels=a/classes.txt"),
        ("prep voc i", "", "", "nothing", "prep"),
    ],
)  # fmt: skip
def test_another_line_is_refused_with_the_word_that_differs(
    typed: str, made_by: str, line: str, found: str, own: str
) -> None:
    with pytest.raises(SagesegError) as refused:
        check(typed, made_by, line)
    type_that = f"sageseg jobs process {line}" if line else f"sageseg {made_by}".strip()
    assert str(refused.value) == (
        f"out: made by another line, with {found} where {own} is typed; choose another, or type that line: {type_that}"
    )


def test_a_text_is_no_place() -> None:
    """A pattern that ends as another does."""
    with pytest.raises(SagesegError, match=re.escape("with --group-by x where --group-by a/x is typed")):
        check("prep voc i --group-by a/x", "prep voc i --group-by x", texts=["a/x"])

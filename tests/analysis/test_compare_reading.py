"""Which reports are compared: refusals in one line, and reports as people and older versions leave them."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _pytest.capture import CaptureResult

from analysis.cli import app
from analysis.comparison.reading import read_reports
from formats.console import run_app
from formats.dataset import Dataset, manifest_path, open_dataset
from formats.errors import SagesegError
from formats.manifest import write_manifest
from tests.support.compared_reports import (
    SAMPLES,
    STEMS,
    make_report,
)
from tests.support.dataset_samples import make_dataset


def typed(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Any, CaptureResult[str]]:
    """The exit code of a command of analysis, and what it said."""
    monkeypatch.setattr(sys, "argv", ["analysis", *words])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    return stopped.value.code, capsys.readouterr()


def test_reports_of_other_images_are_refused_with_the_command_that_compares_the_common_ones(
    good: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part = make_report(tmp_path / "a part", dataset, {"a_01": 3, "b_01": 3})
    told = r"a part: 2 of the 4 images that the reports judge are not in it \(\w_0\d, \w_0\d\); predict and"
    for order in ([good, part], [part, good], [good, part, shutil.copytree(good, tmp_path / "copy")]):
        with pytest.raises(SagesegError, match=told):
            read_reports(order)
    code, said = typed(["compare", str(good), str(part), "--out", str(tmp_path / "out")], monkeypatch, capsys)
    assert code == 1
    assert len(said.err.splitlines()) == 1
    words = shlex.split(said.err.strip().rpartition(" with ")[2])
    assert words[:2] == ["sageseg", "analysis"]
    assert not (tmp_path / "out").exists()
    assert not typed(words[2:], monkeypatch, capsys)[0]
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["images"] == 2


def test_of_many_reports_the_one_is_named_that_has_no_image_of_all_others(dataset: Dataset, tmp_path: Path) -> None:
    parts = {"one": ("a_01", "b_01"), "two": ("b_01", "c_01"), "three": ("a_01", "c_01")}
    folders = [make_report(tmp_path / name, dataset, dict.fromkeys(stems, 1)) for name, stems in parts.items()]
    with pytest.raises(SagesegError, match=r"three: no image in common with \S+one, \S+two; compare the same images"):
        read_reports(folders, common=True)


def test_a_page_in_a_reports_place_names_its_folder(good: Path) -> None:
    with pytest.raises(SagesegError, match=r"index\.html: a file; expected the folder of a report, \S+good$"):
        read_reports([good / "index.html", good])


def test_reports_of_one_job_are_told_apart(good: Path, tmp_path: Path) -> None:
    again = tmp_path / "again" / "good"
    again.parent.mkdir()
    shutil.copytree(good, again)
    names = [each.name for each in read_reports([good, again])]
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("empty folder", "no report here (scores.json is missing); make one with sageseg analysis report"),
        ("no images", "no report here (images.csv is missing)"),
        ("not json", "scores.json: damaged, no JSON"),
        ("another program's", "scores.json: damaged (it is [1]; expected an object"),
        ("other classes", ", in their order: _background_, car; report all predictions by one dataset"),
        ("other images", "no image in common with"),
        ("other sizes", "good and 50×60 pixels in "),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    spoil: str,
    message: str,
    good: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    scores = json.loads((good / "scores.json").read_text())
    table = (good / "images.csv").read_text()
    if spoil == "other classes":
        scores["classes"] = ["_background_", "cat"]
        table = table.replace("_car", "_cat")
    changes = {
        "other images": lambda text: text.replace("a_", "z_").replace("b_", "y_").replace("c_", "x_"),
        "other sizes": lambda text: text.replace(",60,50,", ",50,60,"),
    }
    if spoil != "empty folder":
        contents = {"not json": "{", "another program's": "[1]"}
        (other / "scores.json").write_text(contents.get(spoil, json.dumps(scores)))
        if spoil != "no images":
            header, _, rows = table.partition("\n")
            (other / "images.csv").write_text(header + "\n" + changes.get(spoil, str)(rows))
    monkeypatch.setattr(sys, "argv", ["analysis", "compare", str(good), str(other), "--out", str(tmp_path / "out")])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    captured = capsys.readouterr()
    assert stopped.value.code == 1
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["as it is", "by another path", "by a link"])
def test_a_report_given_twice_is_refused(how: str, good: Path, poor: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(good)
    again = {"as it is": good, "by another path": poor / ".." / good.name, "by a link": link}[how]
    with pytest.raises(SagesegError, match=r"given twice.*; name each report once"):
        read_reports([good, poor, again])


def test_more_reports_than_a_page_tells_apart_are_refused(good: Path, tmp_path: Path) -> None:
    folders = [good, *(shutil.copytree(good, tmp_path / f"copy {number}") for number in range(6))]
    assert len(read_reports(folders[:6])) == 6
    with pytest.raises(SagesegError, match="7 reports; expected 6 at most, side by side: compare some of them"):
        read_reports(folders)


@pytest.mark.parametrize("ignored", [slice(0, 3), slice(10, 11), slice(0, 30)])
def test_truth_that_ignores_other_pixels_is_another_truth_and_no_lack_of_predictions(
    ignored: slice, good: Path, tmp_path: Path
) -> None:
    images = {stem: (image, mask.copy()) for stem, (image, mask) in SAMPLES.items()}
    images["b_01"][1][ignored] = 255
    other = make_report(tmp_path / "other", make_dataset(tmp_path / "void", images), dict.fromkeys(STEMS, 1))
    with pytest.raises(SagesegError, match=r"b_01: judged by another truth in .*; report both by one dataset"):
        read_reports([good, other])


def test_a_table_of_images_that_cannot_be_is_refused(good: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(good, other)
    table = (good / "images.csv").read_text()
    for spoilt, message in (
        (table + table.splitlines()[1] + "\n", "stands twice"),
        (table.replace(",60,50,", ",6,5,"), "pixels judged, more than 6×5 has"),
        (table.replace(",60,50,", ",60,0,"), "an image without pixels"),
    ):
        (other / "images.csv").write_text(spoilt)
        with pytest.raises(SagesegError, match=rf"other/images\.csv: .*{message}"):
            read_reports([good, other])


def test_one_report_is_not_compared(good: Path) -> None:
    with pytest.raises(SagesegError, match="1 report; expected two or more"):
        read_reports([good])


def test_an_older_table_of_images_is_one_line(good: Path, poor: Path) -> None:
    table = (poor / "images.csv").read_text()
    (poor / "images.csv").write_text(table.replace("truth_sha256", "truth"))
    with pytest.raises(
        SagesegError, match="not written by this sageseg .truth_sha256 is missing.; make the report again"
    ):
        read_reports([good, poor])


def test_an_attribute_may_be_called_as_a_score_is(tmp_path: Path) -> None:
    """Its column stands behind the score's, and is not taken for it."""
    dataset = make_dataset(tmp_path / "d", SAMPLES)
    rows = [
        replace(row, attributes={"iou_car": f"{n % 2} doors", "judged_pixels": "none"})
        for n, row in enumerate(dataset.rows)
    ]
    write_manifest(manifest_path(dataset.root), rows)
    dataset = open_dataset(dataset.root)
    folders = [make_report(tmp_path / name, dataset, dict.fromkeys(STEMS, by)) for name, by in (("one", 1), ("two", 3))]
    one, _ = read_reports(folders)
    assert {image.attributes["iou_car"] for image in one.images.values()} == {"0 doors", "1 doors"}
    assert 0 < one.mean("a_01", "iou") < 1


@pytest.mark.parametrize("odd", ["a\nb", "a\u2028b", "=1+1", 'a,"b"', "\ufeffa"])
def test_groups_of_any_name_are_read_back(odd: str, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "d", {"a_01": SAMPLES["a_01"]}, groups={"a_01": odd})
    folders = [make_report(tmp_path / name, dataset, {"a_01": by}) for name, by in (("one", 1), ("two", 3))]
    assert read_reports(folders)[0].images["a_01"].group == odd

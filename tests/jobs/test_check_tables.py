"""What the check finds of splits, groups, classes and padding, and of what the split leaks."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from formats.dataset import manifest_path, open_dataset, split_path
from formats.masks import encode_mask
from jobs.check.dataset_check import describe
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.checks import check, make_crops, only, rows
from tests.support.prep_samples import make_source


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_crops(tmp_path)


def test_crops_that_are_mostly_padding_are_a_warning(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source", {"a": 2, "b": 2})
    write_dataset(source, tmp_path / "dataset", PrepOptions(crop=256, val=1, workers=1))
    found = {finding.rule: finding for finding in check(tmp_path / "dataset", crop_size=256, base_size=256)}
    assert found["padding"].severity == "warning"
    assert "prepare with --crop none, or with a smaller --crop" in describe(found["padding"])


def rewrite(dataset: Path, change: Callable[[dict[str, str]], None]) -> None:
    """Change every row of the manifest."""
    table = rows(dataset)
    for row in table:
        change(row)
    with manifest_path(dataset).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


@pytest.mark.parametrize(("split", "cure"), [("val", "--validate-on train"), ("train", "--keep-empty")])
def test_an_empty_split_is_an_error(split: str, cure: str, dataset: Path) -> None:
    rewrite(dataset, lambda row: row.update(kept="0") if row["split"] == split else None)
    found = next(f for f in check(dataset) if f.rule == "split")
    assert f"no {split} image" in found.message
    assert cure in found.cure


def test_a_group_in_two_splits_is_an_error(dataset: Path) -> None:
    group = next(row["group"] for row in rows(dataset) if row["split"] == "val")
    rewrite(dataset, lambda row: row.update(group=group) if row["source"] == rows(dataset)[0]["source"] else None)
    found = [finding for finding in check(dataset) if finding.rule == "group"]
    assert f"group {group} stands in train and val" in only(found).message


def test_stems_that_differ_by_capital_letters_only_are_an_error(dataset: Path) -> None:
    dropped = [row["id"] for row in rows(dataset) if row["kept"] == "0"][:2]
    rewrite(dataset, lambda row: row.update(id=dropped[0].upper()) if row["id"] == dropped[1] else None)
    finding = only(check(dataset))
    assert (finding.severity, finding.rule) == ("error", "stems")
    assert dropped[0] in finding.message


def test_a_class_that_one_split_lacks_is_a_warning(dataset: Path) -> None:
    for row in open_dataset(dataset).kept("val"):
        (dataset / "SegmentationClass" / f"{row.id}.png").write_bytes(encode_mask(np.zeros((64, 64), np.uint8)))
    finding = only([finding for finding in check(dataset) if finding.rule == "class"])
    assert (finding.severity, finding.message) == ("warning", "val has no pixel of car")
    assert "--stratify" in finding.cure


def test_no_draw_is_proposed_for_a_class_that_no_split_has(dataset: Path) -> None:
    (dataset / "labels.txt").write_text("_background_\ncar\nroad\n")
    finding = only([finding for finding in check(dataset) if finding.rule == "class"])
    assert (finding.severity, finding.message) == ("warning", "no split has a pixel of road")
    assert "--s" not in finding.cure


def test_a_dataset_without_background_is_no_finding(dataset: Path) -> None:
    for row in open_dataset(dataset).rows:
        if row.kept:
            (dataset / "SegmentationClass" / f"{row.id}.png").write_bytes(encode_mask(np.ones((64, 64), np.uint8)))
    assert [finding for finding in check(dataset) if finding.rule == "class"] == []


def certify(dataset: Path, **counts: int) -> None:
    """Make the certificate tell of images of val that train has seen."""
    path = split_path(dataset)
    certificate = json.loads(path.read_text())
    certificate["leak"]["this_split"]["val"] |= counts
    path.write_text(json.dumps(certificate))


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"with_own_sibling": 2}, "2 of 2 validation images have a sibling of the same"),
        ({"with_twin": 1}, "1 of 2 validation images have a near-twin in train"),
        ({"with_sibling": 1}, "1 of 2 validation images have a sibling of the same"),
    ],
)
def test_what_the_split_leaks_is_a_warning(dataset: Path, counts: dict[str, int], said: str) -> None:
    certify(dataset, **counts)
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "leak", str(split_path(dataset)))
    assert said in finding.message
    assert "--" in finding.cure or "list its images together" in finding.cure


def test_a_split_that_nobody_looked_at_is_a_warning(dataset: Path) -> None:
    split_path(dataset).unlink()
    finding = only(check(dataset))
    assert (finding.severity, finding.rule) == ("warning", "leak")
    assert "nobody knows whether val has been seen in train" in finding.message


@pytest.mark.parametrize("edit", ["labels.txt", "labelmap.txt"])
def test_a_label_map_that_is_not_of_the_labels_is_a_warning(dataset: Path, edit: str) -> None:
    assert not check(dataset)
    path = dataset / edit
    path.write_text(path.read_text().replace("car", "Auto"))
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "labelmap", str(dataset / "labelmap.txt"))
    (dataset / "labelmap.txt").unlink()
    assert not check(dataset)


@pytest.mark.parametrize("content", ["utf-8-sig", "utf-16"])
def test_a_label_map_may_have_a_byte_order_mark_and_no_other_encoding(dataset: Path, content: str) -> None:
    path = dataset / "labelmap.txt"
    path.write_text(path.read_text(), encoding=content)
    assert [finding.cure.partition(": ")[2] for finding in check(dataset)] == (
        ["convert it with iconv -f utf-16 -t utf-8"] if content == "utf-16" else []
    )


def test_a_certificate_in_another_encoding_is_told_as_that(dataset: Path) -> None:
    path = split_path(dataset)
    path.write_text(path.read_text(), encoding="utf-16")
    finding = only(check(dataset))
    assert (finding.severity, finding.rule, finding.file) == ("warning", "leak", str(path))
    assert finding.message.startswith("not UTF-8 text, so that nobody knows")
    assert "iconv -f utf-16 -t utf-8" in finding.cure

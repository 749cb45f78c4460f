"""A list of images: what names one, and what each export makes of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cli import app
from analysis.masks.chosen import choose_sources, write_list
from analysis.masks.sources import Source, plan_sources
from formats.console import run_app
from formats.errors import SagesegError
from formats.images import encode_image
from formats.manifest import ManifestRow
from formats.masks import encode_mask
from formats.predictions import mask_path, open_predictions, write_predictions_tables
from tests.support.dataset_samples import CAR, disc_image, make_dataset, make_predictions, write_shares

PATHS = ("2024/a.jpg", "2024/b.jpg", "2025/a.jpg", "c.x.png")
NAMES = ("2024_a", "b", "2025_a", "c.x")


def make_predictions_of_all(tmp_path: Path) -> Path:
    root = tmp_path / "predictions"
    (root / "masks").mkdir(parents=True)
    rows = []
    for path, name in zip(PATHS, NAMES, strict=True):
        mask_path(root, name).write_bytes(encode_mask(np.ones((8, 10), np.uint8)))
        rows.append(ManifestRow(name, "", name, path, 0, 0, 10, 8, 10, 8))
        (tmp_path / "images" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / path).write_bytes(encode_image(np.zeros((8, 10, 3), np.uint8)))
    write_predictions_tables(root, rows, CAR, {})
    return root


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    return make_predictions_of_all(tmp_path)


@pytest.fixture(scope="module")
def kept_sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Source]]:
    """A folder for lists, and the images of predictions in it, for all examples of a test."""
    root = tmp_path_factory.mktemp("kept")
    return root, plan_sources(open_predictions(make_predictions_of_all(root)), None)


@pytest.fixture
def sources(predictions: Path) -> list[Source]:
    return plan_sources(open_predictions(predictions), None)


def listed(folder: Path, text: str | bytes) -> Path:
    path = folder / "list.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("2024/a.jpg", "2024_a"),
        ("2025/a", "2025_a"),
        ("2024_a", "2024_a"),
        ("b.jpg", "b"),
        ("b", "b"),
        ("c.x.png", "c.x"),
        ("c.x", "c.x"),
        ("b.jpg\r", "b"),
        ("\n  b \n\n", "b"),
        ("\ufeffb", "b"),
    ],
)
def test_a_line_names_an_image(tmp_path: Path, sources: list[Source], line: str, name: str) -> None:
    assert [source.stem for source in choose_sources(sources, listed(tmp_path, line))] == [name]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("pool/2024/a.jpg", "2024_a"),
        ("2024/a.png", "2024_a"),
        ("deep/er/2024/b.tif", "b"),
        ("/data/pool/c.x.png", "c.x"),
        ("2025/a_mask.gif", "2025_a"),
        ("gt_b.png", "b"),
    ],
)
def test_a_path_that_ends_as_an_image_does_names_it_and_is_said(
    tmp_path: Path, sources: list[Source], capsys: pytest.CaptureFixture[str], line: str, name: str
) -> None:
    assert [source.stem for source in choose_sources(sources, listed(tmp_path, line))] == [name]
    assert f"note: 1 lines matched by how their paths end, such as {line} with " in capsys.readouterr().err


def test_names_of_flat_masks_are_those_of_folders_joined(tmp_path: Path, sources: list[Source]) -> None:
    flat = [replace(source, row=replace(source.row, source=f"{source.stem}.jpg")) for source in sources]
    assert [each.stem for each in choose_sources(flat, listed(tmp_path, "2025/a.jpg\n2024/a.png"))] == [
        "2025_a",
        "2024_a",
    ]


@pytest.mark.parametrize("line", ["2023/a.jpg", "a/b/d", "..", ".", "/", "2024/x_a.jpg"])
def test_paths_that_end_otherwise_name_nothing(tmp_path: Path, sources: list[Source], line: str) -> None:
    with pytest.raises(SagesegError, match="is no image that was predicted"):
        choose_sources(sources, listed(tmp_path, line))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("b\nd.jpg\n", r"list\.txt: line 2: d\.jpg is no image that was predicted; correct the line"),
        (f"stem,{'x' * 300}\n", r"list\.txt: line 1: stem,x{115}… is no image that was predicted; correct the line"),
        ("a.jpg", r"line 1: a\.jpg names 2 images, such as 2024/a\.jpg and 2025/a\.jpg: give the path"),
        ("\na\n", r"line 2: a names 2 images"),
        ("b\n\n2024/b.jpg\n", r"line 3: 2024/b\.jpg is named twice; remove one of the lines"),
        ("", r"list\.txt: names no image; expected one image a line"),
        ("\n  \n", r"names no image"),
        (b"\xff\xfeb\x00", r"list\.txt: not UTF-8 text; expected one image a line"),
    ],
)
def test_bad_lists_are_one_line(tmp_path: Path, sources: list[Source], text: str | bytes, said: str) -> None:
    with pytest.raises(SagesegError, match=said):
        choose_sources(sources, listed(tmp_path, text))


def test_a_list_that_is_not_there_is_one_line(tmp_path: Path, sources: list[Source]) -> None:
    with pytest.raises(SagesegError, match=r"absent: not found; expected one image a line"):
        choose_sources(sources, tmp_path / "absent")


def test_without_a_list_all_are_taken(sources: list[Source]) -> None:
    assert choose_sources(sources, None) == sources


@given(order=st.permutations(range(len(PATHS))), count=st.integers(1, len(PATHS)))
def test_what_is_written_is_read_in_its_order(
    kept_sources: tuple[Path, list[Source]], order: list[int], count: int
) -> None:
    root, sources = kept_sources
    write_list(root / "list.txt", [PATHS[place] for place in order[:count]])
    read = choose_sources(sources, root / "list.txt")
    assert [source.stem for source in read] == [NAMES[place] for place in order[:count]]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["coco"], "a.json"),
        (["cvat"], "a.xml"),
        (["labelstudio", "--image-url", "/data/local-files/?d="], "a.json"),
        (["submission"], "a.csv"),
    ],
)
def test_exports_in_one_file_hold_those_of_the_list_alone(
    predictions: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    name: str,
) -> None:
    listed(tmp_path, "c.x.png\n2024/a.jpg\n")
    monkeypatch.chdir(predictions.parent)
    arguments = [words[0], "predictions", *words[1:], "--list", "list.txt", "--out", name, "--workers", "1"]
    monkeypatch.setattr(sys, "argv", ["analysis", *arguments])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    said = capsys.readouterr().err
    assert not stopped.value.code, said
    content = (tmp_path / name).read_text()
    names = [f"{name}{Path(path).suffix}" for path, name in zip(PATHS, NAMES, strict=True)]
    found = [place for place, each in enumerate(zip(PATHS, names, strict=True)) if any(one in content for one in each)]
    assert found == [0, 3]
    assert "note: 2 of 4 images, those of list.txt" in said


@pytest.mark.parametrize(
    ("words", "suffix"),
    [
        (["labelme", "predictions", "--images", "images"], ".json"),
        (["overlay", "predictions", "images"], ".jpg"),
        (["cutout", "predictions", "images"], ".png"),
    ],
)
def test_exports_write_those_of_the_list_alone(
    predictions: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    suffix: str,
) -> None:
    listed(tmp_path, "c.x.png\n2024/a.jpg\n")
    (tmp_path / "images" / "2025" / "a.jpg").unlink()  # what is not listed need not be there
    monkeypatch.chdir(predictions.parent)
    arguments = [*words, "--list", "list.txt", "--out", "out", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", ["analysis", *arguments])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    said = capsys.readouterr().err
    assert not stopped.value.code, said
    assert sorted(path.name for path in (tmp_path / "out").glob(f"*{suffix}")) == [f"2024_a{suffix}", f"c.x{suffix}"]
    assert "note: 2 of 4 images, those of list.txt" in said
    assert "were not predicted" not in said


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["stitch", "--out", "made"], {"2024_a", "c.x"}),
        (["stitch", "--by", "inner", "--fill-holes", "--out", "made"], {"2024_a", "c.x"}),
        (["suspects", "--dataset", "dataset", "--out", "made"], {"a_01", "b_01"}),
    ],
)
def test_verbs_that_make_no_labels_look_at_those_of_the_list_alone(
    predictions: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    found: set[str],
) -> None:
    if "suspects" in words:
        samples = {stem: disc_image(40, 30) for stem in ("a_01", "a_02", "b_01")}
        dataset = make_dataset(tmp_path / "dataset", samples, crop=24)
        judged = make_predictions(tmp_path / "judged", dataset, {stem: mask for stem, (_, mask) in samples.items()})
        write_shares(judged, 0.9)
        predictions = judged.root
    listed(tmp_path, "".join(f"{name}\n" for name in sorted(found, reverse=True)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["analysis", words[0], predictions.name, *words[1:], "--list", "list.txt"])
    with pytest.raises(SystemExit) as stopped:
        run_app(app)
    said = capsys.readouterr().err
    assert not stopped.value.code, said
    assert f"note: 2 of {4 if 'stitch' in words else 3} images, those of list.txt" in said
    made = tmp_path / "made"
    if made.is_file():
        assert {line.split(",")[0] for line in made.read_text().splitlines()[1:]} == found
    else:
        assert {path.stem for path in (made / "masks").iterdir()} == found
        assert {row.source_stem for row in open_predictions(made).rows} == found

"""The text files of a dataset: as other programs save them again, and for other programs to read."""

from dataclasses import replace
from pathlib import Path

import pytest

from formats.classes import ClassTable
from formats.dataset import open_dataset
from formats.errors import SagesegError
from formats.prepared.leaks import read_leaks
from prep.dataset.split import read_split_file
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.prep_samples import make_source

FILES = ("labels.txt", "manifest.csv", "dataset.json", "split.json")


def make(folder: Path, names: tuple[str, ...] = ("_background_", "car")) -> Path:
    source = replace(make_source(folder / "source", {"a": 1, "b": 1}), classes=ClassTable(names))
    write_dataset(source, folder / "out", PrepOptions(crop=None, workers=1))
    return folder / "out"


def read_all(root: Path) -> list[object]:
    dataset = open_dataset(root)
    return [dataset.classes, dataset.rows, dataset.info, read_split_file(root / "split.json"), read_leaks(root)]


def test_a_dataset_saved_again_on_windows_is_the_same(tmp_path: Path) -> None:
    root = make(tmp_path)
    before = read_all(root)
    for name in FILES:
        (root / name).write_bytes(b"\xef\xbb\xbf" + (root / name).read_bytes().replace(b"\n", b"\r\n"))
    assert read_all(root) == before


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_encoding_is_told_how_to_be_converted(tmp_path: Path, name: str) -> None:
    root = make(tmp_path)
    (root / name).write_bytes((root / name).read_text(encoding="utf-8").encode("utf-16"))
    with pytest.raises(SagesegError, match=rf"{name}: not UTF-8 text; .*iconv -f utf-16 -t utf-8"):
        read_all(root)


def test_the_label_map_is_left_out_with_a_word_where_a_name_cannot_stand_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (make(tmp_path / "1") / "labelmap.txt").read_text().splitlines()[2] == "car:128,0,0::"
    assert "labelmap" not in capsys.readouterr().err
    assert not (make(tmp_path / "2", ("_background_", "car: left")) / "labelmap.txt").exists()
    assert "note: labelmap.txt, for CVAT and Datumaro, is left out" in capsys.readouterr().err

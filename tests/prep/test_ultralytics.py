"""`--also ultralytics`: the files of a dataset once more, where Ultralytics looks for them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from tests.support.prep_samples import digests, make_source

HOW: tuple[dict[str, Any], ...] = ({"also": None}, {}, {"workers": 2})


def written(tmp_path: Path, *, also: str | None = "ultralytics", val: float = 1, workers: int = 1) -> Path:
    out = tmp_path / f"{also}-{workers}"
    source = make_source(tmp_path / "labels", {"a": 2, "b": 1, "c": 1})
    write_dataset(source, out, PrepOptions(crop=None, val=val, also=also, workers=workers))
    return out


def test_each_split_has_the_files_of_the_dataset(tmp_path: Path) -> None:
    out = written(tmp_path)
    for split in ("train", "val"):
        ids = (out / "ImageSets" / "Segmentation" / f"{split}.txt").read_text().split()
        assert ids
        for of, suffix, name in (("JPEGImages", "jpg", "images"), ("SegmentationClass", "png", "masks")):
            linked = sorted((out / "ultralytics" / name / split).iterdir())
            assert [path.name for path in linked] == sorted(f"{row_id}.{suffix}" for row_id in ids)
            assert all(path.samefile(out / of / path.name) for path in linked)


def test_data_yaml_names_splits_and_classes(tmp_path: Path) -> None:
    content = yaml.safe_load((written(tmp_path) / "ultralytics" / "data.yaml").read_text())
    names = {0: "_background_", 1: "car"}
    assert content == {"train": "images/train", "val": "images/val", "masks_dir": "masks", "names": names}


def test_a_split_without_images_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = written(tmp_path, val=0)
    assert yaml.safe_load((out / "ultralytics" / "data.yaml").read_text()).keys() == {"train", "masks_dir", "names"}
    assert not (out / "ultralytics" / "images" / "val").exists()
    assert "no validation images, without which Ultralytics does not train" in capsys.readouterr().err


def test_the_rest_of_the_dataset_is_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    plain, also, with_two = (written(tmp_path, **how) for how in HOW)
    assert digests(also) == digests(with_two)
    rest = {name: digest for name, digest in digests(also).items() if not name.startswith("ultralytics/")}
    assert {name for name, digest in digests(plain).items() if rest.get(name) != digest} == {"dataset.json"}

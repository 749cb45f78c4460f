"""Rasters in S3 come with what GDAL reads beside them, and the lists of classes; objects there that are no folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from formats.errors import SagesegError
from prep.remote.local import local_folder, local_rasters
from prep.remote.needs import all_images
from tests.support.geo_samples import noise_bands, write_raster
from tests.support.s3_samples import BUCKET, upload
from tests.support.typed_commands import typed


@pytest.mark.parametrize("place", ["here/a.tif", "here"])
def test_a_world_file_is_fetched_with_its_raster(s3: Any, tmp_path: Path, place: str) -> None:
    (tmp_path / "here").mkdir()
    Image.fromarray(noise_bands(8, 8)[0]).save(tmp_path / "here" / "a.tif")
    (tmp_path / "here" / "a.tfw").write_text("0.5\n0\n0\n-0.5\n500000\n5500000\n")
    (tmp_path / "here" / "notes.doc").write_text("nothing for GDAL")
    upload(s3, tmp_path)
    root = local_rasters(f"s3://{BUCKET}/{place}")
    with rasterio.open(root if root.is_file() else root / "a.tif") as raster:
        assert raster.transform.a == 0.5
    assert not list(tmp_path.rglob("s3/**/notes.doc"))


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".img", ".jp2", ".vrt", ".geojson"])
def test_files_of_every_kind_are_taken_for_files(s3: Any, suffix: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"deep/a{suffix}", Body=b"content")
    assert local_rasters(f"s3://{BUCKET}/deep/a{suffix}").read_bytes() == b"content"
    assert [path.name for path in local_rasters(f"s3://{BUCKET}/deep").iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("labels", ["masks", "masks/a.tif"])
def test_the_list_of_classes_beside_rasters_of_labels_is_found(s3: Any, tmp_path: Path, labels: str) -> None:
    write_raster(tmp_path / "in" / "a.tif", noise_bands(64, 64))
    write_raster(tmp_path / "masks" / "a.tif", np.eye(64, dtype=np.uint8))
    (tmp_path / "masks" / "labels.txt").write_text("_background_\nroad\n")
    upload(s3, tmp_path)
    words = ["prep", "geotiff", f"s3://{BUCKET}/in", "--labels-from", f"s3://{BUCKET}/{labels}", "--out", "out"]
    ran = typed([*words, "--crop", "none", "--val", "0", "--workers", "1"], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["classes"] == ["_background_", "road"]


def test_an_object_where_a_folder_is_due_is_said_to_be_one(s3: Any) -> None:
    for key in ("all.zip", "all.zipped/a.txt", "a"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"PK")
    for key in ("all.zip", "a"):
        with pytest.raises(SagesegError, match=rf"^s3://{BUCKET}/{key}: an object, and no folder; expected a folder"):
            local_folder(f"s3://{BUCKET}/{key}", all_images)
    with pytest.raises(SagesegError, match=rf"^s3://{BUCKET}/al: nothing lies there"):
        local_folder(f"s3://{BUCKET}/al", all_images)


@pytest.mark.parametrize("key", ["x/a.jpg/b.jpg", "x/a.jpg/c/d.jpg"])
def test_a_key_that_is_the_folder_of_another_is_said_to_be_so(s3: Any, key: str) -> None:
    for each in ("x/a.jpg", key):
        s3.put_object(Bucket=BUCKET, Key=each, Body=b"jpeg")
    with pytest.raises(SagesegError, match=rf"^s3://{BUCKET}/x/a\.jpg.*: an object, and a folder .*to another key"):
        local_folder(f"s3://{BUCKET}/x", all_images)


def test_a_key_that_is_not_there_is_no_job(s3: Any) -> None:
    with pytest.raises(SagesegError, match=r"gone\.tif: NoSuchKey: .*; correct the key; aws s3 ls shows what"):
        local_rasters(f"s3://{BUCKET}/gone.tif")

"""Of labels in S3 each shard fetches its own images, and of all others nothing but what the listing tells."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image

import prep.dataset.image_work
from formats.images import encode_image, read_header
from formats.shards.shard import Shard
from formats.shards.work_plan import read_sources, settle_plan
from prep.dataset.shards import write_shard
from prep.options import REGION_LABEL, PrepOptions
from prep.remote.awaited import Awaited
from prep.remote.cache import cache_root
from prep.remote.local import local_folder
from prep.remote.needs import all_images
from tests.support.manifest_samples import line as named
from tests.support.manifest_samples import synced, write_manifest
from tests.support.prep_samples import digests, make_source, noise
from tests.support.reader_samples import (
    OWN_SPLIT,
    carvana,
    channels,
    coco,
    cvat,
    ground_truth,
    labelme,
    pairs,
    roboflow,
    supervisely,
    via,
    voc,
    yolo,
)
from tests.support.s3_samples import BUCKET, asked, upload
from tests.support.typed_commands import Ran, typed


def kitti(root: Path) -> list[str]:
    for number in ("um_000000", "um_000001", "umm_000000"):
        image = root / "road" / "training" / "image_2" / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40), (int(number[-1]), 2, 3)).save(image)
        mask = root / "road" / "training" / "gt_image_2" / f"{number.replace('_', '_road_')}.png"
        mask.parent.mkdir(exist_ok=True)
        Image.new("RGB", (60, 40), (255, 0, 255)).save(mask)
    return ["kitti", "{}/road"]


BY_IMAGE = r"\.jpg$"
"""What of a reader's files only the shard fetches whose image it is of; all other files each shard fetches."""
LAZY: dict[Callable[[Path], list[str]], str] = {
    pairs: r"images/.*\.jpg$",
    carvana: r"(train|masks)/",
    kitti: r"image_2/",
    voc: r"JPEGImages/",
    channels: r"\.jpg$",
    coco: BY_IMAGE,
    roboflow: BY_IMAGE,
    cvat: BY_IMAGE,
    supervisely: r"img/",
    ground_truth: r"\.(jpg|png)$",
}
CARVANA = [
    *("carvana", f"s3://{BUCKET}/train", f"s3://{BUCKET}/masks"),
    *("--crop", "48", "--keep-empty", "1", "--val", "1", "--workers", "1"),
]


def shard(words: list[str], number: int, of: int, tmp_path: Path, patch: pytest.MonkeyPatch, home: str = "") -> Ran:
    """Type a shard's line on a machine of its own."""
    patch.setenv("SAGESEG_HOME", str(tmp_path / (home or f"home-{number}-of-{of}")))
    return typed(["prep", *words, "--out", f"by-{of}", "--shard", f"{number}/{of}"], tmp_path)


def decoys(here: Path) -> Callable[[Path, int], None]:
    """In the place of empty files: images of the same size and kind with other pixels, which nobody would refuse. What
    is made with one of them in the folder is another dataset."""

    def stand_in(path: Path, modified: int) -> None:
        real = here / path.relative_to(cache_root() / BUCKET)
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(real) as image:
            shifted = image.transform(image.size, Image.Transform.AFFINE, (1, 0, 9, 0, 1, 5))
            shifted.save(path, image.format)
        os.utime(path, (modified, modified))

    return stand_in


@pytest.mark.parametrize("make", LAZY, ids=lambda make: make.__name__)
def test_each_image_is_fetched_by_its_own_shard_alone(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], list[str]]
) -> None:
    words = make(tmp_path / "here")
    words += ["--crop", "none", "--workers", "1", *(() if make in OWN_SPLIT else ("--val", "1"))]
    upload(s3, tmp_path / "here")
    in_s3, here = ([word.format(place) for word in words] for place in (f"s3://{BUCKET}", tmp_path / "here"))
    monkeypatch.setattr("prep.remote.cache._stand_in", decoys(tmp_path / "here"))
    fetched = []
    for number in (1, 2):
        with asked(monkeypatch) as calls:
            ran = shard(in_s3, number, 2, tmp_path, monkeypatch)
        assert ran.returncode == 0, ran.stderr
        fetched.append({call.partition(" ")[2] for call in calls if call.startswith("GetObject")})
    one, other = fetched
    of_images = {path.relative_to(tmp_path / "here").as_posix() for path in (tmp_path / "here").rglob("*")}
    of_images = {key for key in of_images if re.search(LAZY[make], key) and "." in key}
    assert one & of_images
    assert other & of_images
    assert (one | other) & of_images == of_images
    assert not one & other & of_images
    assert one - of_images == other - of_images
    for line in (["merge", "by-2", "--out", "merged"], [*here, "--out", "alone"]):
        assert typed(["prep", *line], tmp_path).returncode == 0
    merged, alone = (digests(tmp_path / name) for name in ("merged", "alone"))
    del merged["dataset.json"], alone["dataset.json"]  # which tells the words that were typed
    assert merged == alone


def test_of_the_objects_that_a_manifest_names_a_shard_fetches_its_own(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In buckets that are not listed, and of which two have objects of one key."""
    upload(s3, synced(tmp_path / "here", range(5)))
    other = boto3.resource("s3", endpoint_url=s3.meta.endpoint_url).create_bucket(Bucket="other-bucket")
    upload(s3, synced(tmp_path / "there", [1, 5]), bucket=other.name)
    lines = [named(number, bucket=BUCKET) for number in range(5)] + [named(n, bucket=other.name) for n in (1, 5)]
    words = ["manifest", str(write_manifest(tmp_path / "m.manifest", lines))]
    words += ["--crop", "none", "--workers", "1", "--val", "1"]
    with asked(monkeypatch) as calls:
        for number in (1, 2):
            ran = shard(words, number, 2, tmp_path, monkeypatch)
            assert ran.returncode == 0, ran.stderr
    got = Counter({call: count for call, count in calls.items() if call.startswith("GetObject")})
    assert got.total() == 2 * len(lines)
    assert max(got.values()) == 2  # of the key that both buckets have
    assert {call.partition(" ")[0] for call in calls} == {"GetObject", "HeadObject"}
    for merge in (["merge", "by-2", "--out", "merged"], [*words, "--out", "alone"]):
        assert typed(["prep", *merge], tmp_path).returncode == 0
    assert digests(tmp_path / "merged") == digests(tmp_path / "alone")
    other.objects.all().delete()
    other.delete()


@pytest.mark.parametrize(("make", "head"), [(labelme, 1000), (yolo, 1000), (via, 1000), (labelme, 20)])
def test_of_images_of_others_a_shard_fetches_heads(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], list[str]], head: int
) -> None:
    monkeypatch.setattr("prep.remote.cache._HEAD", head)
    words = [*make(tmp_path / "here"), "--crop", "none", "--workers", "1", "--val", "1"]
    images = sorted((tmp_path / "here").rglob("*.jpg"))
    for number, path in enumerate(images):
        path.write_bytes(encode_image(noise(number, *read_header(path).size)))
    upload(s3, tmp_path / "here")
    in_s3, here = ([word.format(place) for word in words] for place in (f"s3://{BUCKET}", tmp_path / "here"))
    with asked(monkeypatch) as calls:
        assert shard(in_s3, 1, 2, tmp_path, monkeypatch).returncode == 0
        kept = sorted(path.stat().st_size for path in cache_root().rglob("*.jpg"))
        assert shard(in_s3, 2, 2, tmp_path, monkeypatch).returncode == 0
    if head == 1000:
        assert kept.count(1000) == len(images) // 2
    # a head by each shard, and the whole by its own, or by both
    fetched = 3 if head == 1000 else 4
    for path in images:
        assert calls[f"GetObject {path.relative_to(tmp_path / 'here').as_posix()}"] == fetched
    for line in (["merge", "by-2", "--out", "merged"], [*here, "--out", "alone"]):
        assert typed(["prep", *line], tmp_path).returncode == 0
    merged, alone = (digests(tmp_path / name) for name in ("merged", "alone"))
    del merged["dataset.json"], alone["dataset.json"]
    assert merged == alone


def test_any_number_of_shards_makes_what_one_machine_makes_from_s3(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carvana(tmp_path / "here")
    upload(s3, tmp_path / "here")
    assert typed(["prep", *CARVANA, "--out", "alone"], tmp_path).returncode == 0
    for of in (1, 3, 7):
        with asked(monkeypatch) as calls:
            for number in range(1, of + 1):
                assert shard(CARVANA, number, of, tmp_path, monkeypatch).returncode == 0
        assert Counter(call for call in calls.elements() if call.startswith("Get")).most_common(1)[0][1] == 1
        assert typed(["prep", "merge", f"by-{of}", "--out", f"merged-{of}"], tmp_path).returncode == 0
        assert digests(tmp_path / f"merged-{of}") == digests(tmp_path / "alone")


def test_a_plan_has_etags_and_is_compared_without_fetching(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carvana(tmp_path / "here")
    upload(s3, tmp_path / "here")
    assert shard(CARVANA, 1, 4, tmp_path, monkeypatch).returncode == 0
    there = {found["Key"]: found for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    for row in read_sources(tmp_path / "by-4"):
        image = there[f"train/{row['source']}"]
        mask = there[f"masks/{row['source'].replace('.jpg', '_mask.png')}"]
        assert (row["size"], row["mask_size"]) == (str(image["Size"]), str(mask["Size"]))
        assert row["checksum"] == f"etag:{image['ETag']}".replace('"', "")
        assert row["mask_checksum"] == f"etag:{mask['ETag']}".replace('"', "")
    with asked(monkeypatch) as calls:
        assert shard(CARVANA, 1, 4, tmp_path, monkeypatch, "another-home").returncode == 0
    assert not any(call.startswith("GetObject") for call in calls)  # the shard is done, and found to be of this plan


def test_an_object_that_changed_since_the_plan_is_refused_by_its_shard(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carvana(tmp_path / "here")
    upload(s3, tmp_path / "here")
    assert shard(CARVANA, 1, 2, tmp_path, monkeypatch).returncode == 0
    content = bytearray((tmp_path / "here" / "train" / "c1_02.jpg").read_bytes())
    content[-3] ^= 1  # of the same size
    s3.put_object(Bucket=BUCKET, Key="train/c1_02.jpg", Body=bytes(content))
    with asked(monkeypatch) as calls:
        ran = shard(CARVANA, 2, 2, tmp_path, monkeypatch)
    assert ran.returncode == 1
    assert "another plan: c1_02.jpg has changed since: its checksum is 'etag:" in ran.stderr
    assert not any(call.startswith("GetObject") for call in calls)
    assert not (tmp_path / "by-2" / "shard-2-of-2").exists()


def test_an_object_that_changes_after_the_listing_is_refused(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carvana(tmp_path / "here")
    upload(s3, tmp_path / "here")

    def change(*given: Any) -> str:
        s3.put_object(Bucket=BUCKET, Key="masks/c2_01_mask.png", Body=b"another")
        return settle_plan(*given)

    monkeypatch.setattr("prep.dataset.shards.settle_plan", change)
    ran = shard(CARVANA, 1, 2, tmp_path, monkeypatch)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"error: s3://{BUCKET}/masks/c2_01_mask.png: changed while it was fetched; run the same command again"
    )
    assert not (tmp_path / "by-2" / "shard-1-of-2").exists()


def test_an_object_that_another_command_fetched_anew_meanwhile_is_refused(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both keep what they fetch in one place."""
    carvana(tmp_path / "here")
    upload(s3, tmp_path / "here")
    write = prep.dataset.image_work.write_image

    def disturbed(task: Any) -> Any:
        if task.image.source == "c1_01.jpg":
            s3.put_object(Bucket=BUCKET, Key="train/c2_01.jpg", Body=encode_image(noise(7, 20, 16)))
            local_folder(f"s3://{BUCKET}/train", all_images)
        return write(task)

    monkeypatch.setattr(prep.dataset.image_work, "write_image", disturbed)
    ran = shard(CARVANA, 1, 2, tmp_path, monkeypatch)
    assert ran.stderr.splitlines()[-1] == (
        f"error: s3://{BUCKET}/train/c2_01.jpg: changed while it was fetched; run the same command again"
    )
    assert not (tmp_path / "by-2" / "shard-1-of-2").exists()


def test_a_shard_that_was_interrupted_goes_on_although_its_cache_is_gone(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carvana(tmp_path / "here")
    upload(s3, tmp_path / "here")
    assert typed(["prep", *CARVANA, "--out", "alone"], tmp_path).returncode == 0
    write = prep.dataset.image_work.write_image

    def broken(task: Any) -> Any:
        if task.image.source == "c2_01.jpg":
            raise KeyboardInterrupt
        return write(task)

    with monkeypatch.context() as patch:
        patch.setattr(prep.dataset.image_work, "write_image", broken)
        assert shard(CARVANA, 1, 2, tmp_path, monkeypatch).returncode != 0
    ran = shard(CARVANA, 1, 2, tmp_path, monkeypatch, "another-home")
    assert "goes on where it stopped; images done: 1" in ran.stderr
    assert shard(CARVANA, 2, 2, tmp_path, monkeypatch).returncode == 0
    assert typed(["prep", "merge", "by-2", "--out", "merged"], tmp_path).returncode == 0
    assert digests(tmp_path / "merged") == digests(tmp_path / "alone")


def test_a_dataset_of_one_machine_finds_what_its_shards_left_empty(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carvana(tmp_path / "here")
    upload(s3, tmp_path / "here")
    assert shard(CARVANA, 1, 2, tmp_path, monkeypatch).returncode == 0
    sizes = {path.name: path.stat().st_size for path in (cache_root() / BUCKET / "train").iterdir()}
    assert {name for name, size in sizes.items() if not size} == {"c1_02.jpg", "c2_02.jpg"}
    with asked(monkeypatch) as calls:
        assert typed(["prep", *CARVANA, "--stratify", "--out", "whole"], tmp_path).returncode == 0
    got = sorted(call for call in calls if call.startswith("GetObject train"))
    assert got == ["GetObject train/c1_02.jpg", "GetObject train/c2_02.jpg"]


@pytest.mark.parametrize("make", [cvat, supervisely, coco], ids=lambda make: make.__name__)
def test_an_image_of_another_size_than_was_labelled_is_refused(
    s3: Any, tmp_path: Path, make: Callable[[Path], list[str]]
) -> None:
    words = make(tmp_path / "here")
    changed = sorted((tmp_path / "here").rglob("*.jpg"))[-1]
    changed.write_bytes(encode_image(noise(1)[:-7]))
    upload(s3, tmp_path / "here")
    ran = typed(["prep", *(word.format(f"s3://{BUCKET}") for word in words), "--out", "out", "--val", "1"], tmp_path)
    assert ran.returncode == 1
    key = changed.relative_to(tmp_path / "here").as_posix()
    assert f"{changed.name} was labelled at " in ran.stderr.splitlines()[-1]
    assert f"s3://{BUCKET}/{key} has 150×103; put the image back" in ran.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_an_image_of_which_nobody_tells_the_size_is_fetched_by_each_shard(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = coco(tmp_path / "here")
    content = json.loads((tmp_path / "here" / "coco.json").read_text())
    del content["images"][0]["width"], content["images"][0]["height"]
    (tmp_path / "here" / "coco.json").write_text(json.dumps(content))
    upload(s3, tmp_path / "here")
    words = [*(word.format(f"s3://{BUCKET}") for word in words), "--val", "1", "--workers", "1"]
    with asked(monkeypatch) as calls:
        for number in (1, 2):
            assert shard(words, number, 2, tmp_path, monkeypatch).returncode == 0
    assert (calls["GetObject shots/1.jpg"], calls["GetObject shots/2.jpg"]) == (2, 1)


class _Fetched(Awaited):
    """What a shard asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def fetch(self, paths: Iterable[Path]) -> None:
        self.names |= {path.name for path in paths}


@pytest.mark.parametrize("oriented", [True, False])
def test_images_that_share_regions_are_all_fetched_where_their_headers_are_looked_at(
    tmp_path: Path, oriented: bool
) -> None:
    corner = ((0.0, 0.0), (40.0, 0.0), (40.0, 40.0))
    source = make_source(tmp_path / "labels", {"g": 4}, regions={"g_0": (corner,)})
    images = tuple(replace(image, oriented=oriented) for image in source.images)
    awaited = _Fetched()
    options = PrepOptions(crop=64, workers=1, focus=REGION_LABEL, val=0)
    write_shard(replace(source, images=images, awaited=awaited), tmp_path / "by", options, Shard(1, 4))
    assert len({name for name in awaited.names if name.endswith(".jpg")}) == (1 if oriented else 4)

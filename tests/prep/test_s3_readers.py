"""The verbs of prep on s3:// places give what they give on the folders that lie there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aws.errors import AwsError
from aws.s3 import copy_object
from prep.remote import fetching
from tests.support.labelme_samples import write_labels
from tests.support.manifest_samples import line, note, synced, write_manifest
from tests.support.prep_samples import digests
from tests.support.reader_samples import ALL, OWN_SPLIT, labelme
from tests.support.s3_samples import BUCKET, asked, upload
from tests.support.typed_commands import typed

PLAIN = ("--crop", "none", "--workers", "1", "--val", "1")


@pytest.mark.parametrize("make", ALL)
def test_a_dataset_from_s3_is_the_one_from_its_folder(
    s3: Any, tmp_path: Path, make: Callable[[Path], list[str]]
) -> None:
    words = make(tmp_path / "here")
    upload(s3, tmp_path / "here")
    plain = [*PLAIN] if make not in OWN_SPLIT else [*PLAIN[:-2]]
    if make is labelme:
        plain += ["--labels", str(write_labels(tmp_path, "car"))]
    for place, out in ((str(tmp_path / "here"), "a"), (f"s3://{BUCKET}", "b")):
        ran = typed(["prep", *(word.format(place) for word in words), "--out", out, *plain], tmp_path)
        assert ran.returncode == 0, ran.stderr
    here, there = (digests(tmp_path / name) for name in "ab")
    del here["dataset.json"], there["dataset.json"]
    assert here == there
    one, other = (json.loads((tmp_path / name / "dataset.json").read_text()) for name in "ab")
    assert {word for word in other["command"] if word.startswith("s3:")} == {
        w.format(f"s3://{BUCKET}") for w in words if "{}" in w
    }
    assert {**one, "command": [], "files": {}} == {**other, "command": [], "files": {}}


def test_a_manifest_fetches_the_files_that_its_lines_name(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(s3, synced(tmp_path / "bucket", range(5)))
    lines = [line(number, bucket=BUCKET) for number in (0, 1, 3)]
    manifest = write_manifest(tmp_path / "output.manifest", lines)
    words = ["prep", "manifest", str(manifest), "--out", "out", *PLAIN]
    with asked(monkeypatch) as calls:
        ran = typed(words, tmp_path)
    assert ran.returncode == 0, ran.stderr
    named = [entry[key].partition(BUCKET + "/")[2] for entry in lines for key in ("source-ref", "seg-ref")]
    assert sorted(calls) == sorted(f"{call} {key}" for call in ("GetObject", "HeadObject") for key in named)
    assert {path.name for path in (tmp_path / "out" / "JPEGImages").iterdir()} == {"im0.jpg", "im1.jpg", "im3.jpg"}
    synced(tmp_path / "bucket", range(5))
    local = typed([*words[:4], "local", *PLAIN, "--images", str(tmp_path / "bucket")], tmp_path)
    assert local.returncode == 0, local.stderr
    assert digests(tmp_path / "out" / "SegmentationClass") == digests(tmp_path / "local" / "SegmentationClass")


def test_a_reference_that_is_not_there_is_named_with_its_line(s3: Any, tmp_path: Path) -> None:
    upload(s3, synced(tmp_path / "bucket", range(2)))
    gone = line(1, bucket=BUCKET, source_ref=f"s3://{BUCKET}/photos/gone.jpg")
    manifest = write_manifest(tmp_path / "output.manifest", [line(0, bucket=BUCKET), gone])
    words = ["prep", "manifest", str(manifest), "--out", "out", *PLAIN[:-2], "--val", "0"]
    ran = typed(words, tmp_path)
    assert ran.returncode == 1
    (told,) = [said for said in ran.stderr.splitlines() if said.startswith("error")]
    assert told.startswith(f"error: {manifest}: line 2: fetching s3://{BUCKET}/photos/gone.jpg: NoSuchKey")
    assert told.endswith("or name a folder that has it with --images")
    assert not (tmp_path / "out").exists()
    assert typed([*words, "--skip-missing"], tmp_path).returncode == 0
    lost = line(1, bucket=BUCKET, seg_ref=f"s3://{BUCKET}/gone.png")
    write_manifest(manifest, [line(0, bucket=BUCKET), lost])
    assert (
        f"line 2: fetching s3://{BUCKET}/gone.png" in typed([*words, "--skip-missing", "--overwrite"], tmp_path).stderr
    )


def test_a_reference_that_may_not_be_read_is_named_with_its_line(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(s3, synced(tmp_path / "bucket", range(2)))
    manifest = write_manifest(tmp_path / "output.manifest", [line(number, bucket=BUCKET) for number in range(2)])
    secret = line(1)["seg-ref"].removeprefix("s3://b/")

    def guarded(client: Any, bucket: str, key: str, *words: Any, **how: Any) -> Any:
        if key == secret:
            raise AwsError(f"fetching s3://{bucket}/{key}", "AccessDenied", "Access Denied")
        return copy_object(client, bucket, key, *words, **how)

    tell = fetching._told
    monkeypatch.setattr("prep.remote.cache.copy_object", guarded)
    monkeypatch.setattr(fetching, "_told", lambda *asked: None if asked[-1] == secret else tell(*asked))
    ran = typed(["prep", "manifest", str(manifest), "--out", "out", "--skip-missing", *PLAIN], tmp_path)
    told = ran.stderr.splitlines()[-1]
    assert told.startswith(f"error: {manifest}: line 2: fetching s3://{BUCKET}/{secret}: AccessDenied: Access Denied;")
    assert told.endswith("or name a folder that has it with --masks")
    assert not (tmp_path / "out").exists()


def test_messages_name_the_place_in_s3(s3: Any, tmp_path: Path) -> None:
    upload(s3, synced(tmp_path / "bucket", range(2)))
    entry = line(1, bucket=BUCKET, metadata=note({"BACKGROUND": "#ffffff", "car": "#2ca02c"}))
    write_manifest(tmp_path / "m" / "jobs" / "x.manifest", [line(0, bucket=BUCKET), entry])
    upload(s3, tmp_path / "m")
    ran = typed(["prep", "manifest", f"s3://{BUCKET}/jobs/x.manifest", "--out", "out", *PLAIN], tmp_path)
    told = ran.stderr.splitlines()[-1]
    assert told.startswith(f"error: s3://{BUCKET}/jobs/x.manifest: line 2: s3://{BUCKET}/out/seg/annotations/1_2026-")
    assert "colour #1f77b4 at (12, 6)" in told
    assert str(tmp_path) not in told


def test_relative_references_of_a_manifest_in_s3_are_beside_it(s3: Any, tmp_path: Path) -> None:
    synced(tmp_path / "bucket", range(2))
    lines = [line(number) for number in range(2)]
    lines = [entry | {key: entry[key].removeprefix("s3://b/") for key in ("source-ref", "seg-ref")} for entry in lines]
    write_manifest(tmp_path / "bucket" / "m.manifest", lines)
    upload(s3, tmp_path / "bucket", "set/")
    ran = typed(["prep", "manifest", f"s3://{BUCKET}/set/m.manifest", "--out", "out", *PLAIN], tmp_path)
    assert ran.returncode == 0, ran.stderr


def test_only_named_images_of_a_folder_in_s3_are_fetched(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(s3, synced(tmp_path / "bucket", range(4)))
    manifest = write_manifest(tmp_path / "o.manifest", [line(number, bucket="elsewhere") for number in (0, 2)])
    with asked(monkeypatch) as calls:
        ran = typed(["prep", "manifest", str(manifest), "--images", f"s3://{BUCKET}", "--out", "o", *PLAIN], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert sorted(call for call in calls if call.endswith(".jpg")) == [
        "GetObject photos/im0.jpg",
        "GetObject photos/im2.jpg",
    ]

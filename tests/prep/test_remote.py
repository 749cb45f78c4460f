"""Folders and files in S3: only what is needed is fetched, whole, and once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aws.clients import NetworkError
from aws.errors import AwsError
from aws.s3 import copy_object
from formats.errors import SagesegError
from formats.images import IMAGE_SUFFIXES
from prep.remote import cache as cache_module
from prep.remote.awaited import Awaited
from prep.remote.cache import NotFetchedError, cache_root, open_cache
from prep.remote.fetching import S3Folder, fetch_object, fetch_objects
from prep.remote.local import have_lists_above, local_file, local_folder
from prep.remote.needs import all_images, at_top_or_below, channels_folder, ending_in, kitti_folder, voc_folder
from prep.remote.places import S3Place, parse_place
from tests.support.s3_samples import BUCKET, asked

TEXT = ending_in(frozenset({".txt"}))


def put(s3: Any, **objects: str) -> None:
    for key, text in objects.items():
        s3.put_object(Bucket=BUCKET, Key=key.replace("__", "/") + ".txt", Body=text.encode())


def texts(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_only_what_is_needed_is_fetched_and_once(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, data__a="one", data__deep__b="two", data2__c="a neighbour")
    s3.put_object(Bucket=BUCKET, Key="data/big.zip", Body=b"zip")
    s3.put_object(Bucket=BUCKET, Key="data/folder/", Body=b"")  # as the console makes one
    with asked(monkeypatch) as first:
        folder = local_folder(f"s3://{BUCKET}/data/", TEXT)
    assert folder == cache_root() / BUCKET / "data"
    assert texts(folder) == {"a.txt": "one", "deep/b.txt": "two"}
    assert set(first) == {"ListObjectsV2 data/", "GetObject data/a.txt", "GetObject data/deep/b.txt"}
    with asked(monkeypatch) as again:
        local_folder(f"s3://{BUCKET}/data", TEXT)
    assert set(again) == {"ListObjectsV2 data/"}


def test_what_changed_is_fetched_again_and_what_is_gone_goes(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, data__a="one", data__b="two", data__c="three")
    folder = local_folder(f"s3://{BUCKET}/data", TEXT)
    put(s3, data__a="new")
    s3.delete_object(Bucket=BUCKET, Key="data/b.txt")
    (folder / "c.txt").write_text("other")  # somebody's hand
    with asked(monkeypatch) as calls:
        local_folder(f"s3://{BUCKET}/data", TEXT)
    assert texts(folder) == {"a.txt": "new", "c.txt": "three"}
    assert set(calls) == {"ListObjectsV2 data/", "GetObject data/a.txt", "GetObject data/c.txt"}


def test_lists_above_a_folder_are_fetched_and_nothing_else_there_is_touched(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(s3, data__classes="car", data__masks__a="one", data__old__list="van")
    masks = local_folder(f"s3://{BUCKET}/data/masks", TEXT)
    with asked(monkeypatch) as calls:
        have_lists_above(f"s3://{BUCKET}/data/masks")
    assert texts(masks.parent) == {"classes.txt": "car", "masks/a.txt": "one"}
    assert set(calls) == {"ListObjectsV2 data/", "GetObject data/classes.txt"}
    s3.delete_object(Bucket=BUCKET, Key="data/classes.txt")
    have_lists_above(f"s3://{BUCKET}/data/masks")
    assert texts(masks.parent) == {"masks/a.txt": "one"}


def test_files_of_other_readers_stay(s3: Any) -> None:
    put(s3, data__a="one")
    s3.put_object(Bucket=BUCKET, Key="data/m.gif", Body=b"gif")
    gifs = local_folder(f"s3://{BUCKET}/data", ending_in(frozenset({".gif"})))
    assert local_folder(f"s3://{BUCKET}/data", TEXT) == gifs
    assert sorted(path.name for path in gifs.iterdir()) == ["a.txt", "m.gif"]


def test_a_fetched_file_has_its_time_at_s3(s3: Any) -> None:
    put(s3, a="one")
    modified = s3.head_object(Bucket=BUCKET, Key="a.txt")["LastModified"].timestamp()
    assert local_file(f"s3://{BUCKET}/a.txt").stat().st_mtime == modified


def test_one_file_is_asked_for_and_fetched_only_if_it_changed(s3: Any) -> None:
    put(s3, a="one")
    path = local_file(f"s3://{BUCKET}/a.txt")
    before = path.stat().st_ino
    assert local_file(f"s3://{BUCKET}/a.txt").stat().st_ino == before
    put(s3, a="two")
    assert local_file(f"s3://{BUCKET}/a.txt").read_text() == "two"
    assert path.stat().st_ino != before


PROGRAM = """
import os, sys
import aws.s3, prep.remote.cache
from prep.remote.fetching import S3Folder
from prep.remote.needs import ending_in
from prep.remote.places import parse_place
copy, fetched = prep.remote.cache.copy_object, []
def die(s3, bucket, key, file, **how):
    if fetched:
        file.write(b"half")
        file.flush()
        os._exit(9)
    fetched.append(key)
    return copy(s3, bucket, key, file, **how)
prep.remote.cache.copy_object, prep.remote.cache.THREADS = die, 1
S3Folder(parse_place(sys.argv[1])).fetch(ending_in(frozenset({".txt"})))
"""


def test_a_fetch_that_was_killed_goes_on_where_it_was(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, data__a="one", data__b="two", data__c="three")
    words = [sys.executable, "-c", PROGRAM, f"s3://{BUCKET}/data"]
    assert subprocess.run(words, check=False, env=dict(os.environ), capture_output=True).returncode == 9
    folder = cache_root() / BUCKET / "data"
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt.sageseg-partial"]
    with asked(monkeypatch) as calls:
        local_folder(f"s3://{BUCKET}/data", TEXT)
    assert texts(folder) == {"a.txt": "one", "b.txt": "two", "c.txt": "three"}
    assert set(calls) == {"ListObjectsV2 data/", "GetObject data/b.txt", "GetObject data/c.txt"}


def test_a_line_of_the_journal_that_was_cut_off_says_nothing(s3: Any) -> None:
    put(s3, data__a="one")
    local_folder(f"s3://{BUCKET}/data", TEXT)
    (journal,) = (cache_root() / ".fetched").iterdir()
    journal.write_text(journal.read_text()[:-10])
    assert texts(local_folder(f"s3://{BUCKET}/data", TEXT)) == {"a.txt": "one"}
    assert [json.loads(line)[0] for line in journal.read_text().splitlines()] == ["data/a.txt"]


def test_an_object_that_changes_while_it_is_fetched_is_refused(s3: Any) -> None:
    put(s3, data__a="one")
    folder = S3Folder(S3Place(BUCKET, "data"))
    put(s3, data__a="two")
    with pytest.raises(SagesegError, match=rf"^s3://{BUCKET}/data/a\.txt: changed while it was fetched; run the same"):
        folder.fetch(TEXT)
    assert texts(cache_root() / BUCKET) == {}


def test_a_network_that_fails_is_tried_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, a="one")
    copy, left = copy_object, [2]

    def unsure(*words: Any, **how: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise NetworkError("fetching: the connection broke")
        return copy(*words, **how)

    monkeypatch.setattr(cache_module, "copy_object", unsure)
    assert local_file(f"s3://{BUCKET}/a.txt").read_text() == "one"
    left[0] = 3
    put(s3, b="one")
    with pytest.raises(NetworkError):
        local_file(f"s3://{BUCKET}/b.txt")


@pytest.mark.parametrize("key", ["data/../../x.txt", "data//x.txt", "data/./x.txt", "data/a\\x.txt"])
def test_a_key_that_is_no_name_below_the_folder_is_refused(s3: Any, tmp_path: Path, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"out")
    with pytest.raises(SagesegError, match=rf"^s3://{BUCKET}/.*: its key is no name of a file below a folder"):
        S3Folder(S3Place(BUCKET, "data")).fetch(list)
    assert not list(tmp_path.rglob("x.txt"))


@pytest.mark.parametrize("needs", [TEXT, lambda _: []])
def test_a_key_that_is_the_folder_of_others_is_refused_with_what_is_in_the_way(s3: Any, needs: Any) -> None:
    put(s3, data="an object")
    s3.put_object(Bucket=BUCKET, Key="data.txt/a.txt", Body=b"one")
    local_file(f"s3://{BUCKET}/data.txt")
    with pytest.raises(SagesegError) as refused:
        local_folder(f"s3://{BUCKET}/data.txt", needs)
    said = re.escape(f"remove $SAGESEG_HOME/s3/{BUCKET}/data.txt")
    assert re.search(f": an object, and a folder with objects, .* by now, {said}$", str(refused.value))


def test_an_archived_object_is_named_with_the_next_step(s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="data/a.txt", Body=b"x", StorageClass="GLACIER")
    with pytest.raises(SagesegError, match=r"a\.txt: InvalidObjectState: .*; it is archived: aws s3api restore-object"):
        local_folder(f"s3://{BUCKET}/data", TEXT)


@pytest.mark.parametrize(
    "entry", ['["data/a.txt", null, 3, 0]', '["data/a.txt", 5, "x", 3]', '["data/a.txt", "e"]', "5"]
)
def test_an_entry_of_the_journal_that_is_none_says_nothing(s3: Any, entry: str) -> None:
    put(s3, data__a="one")
    local_folder(f"s3://{BUCKET}/data", TEXT)
    (journal,) = (cache_root() / ".fetched").iterdir()
    journal.write_text(f"{entry}\n")
    folder = local_folder(f"s3://{BUCKET}/data", TEXT, Awaited(), heads=True)
    assert texts(folder) == {"a.txt": "one"}


def test_what_is_not_there_is_one_line(s3: Any) -> None:
    with pytest.raises(SagesegError, match=rf"^s3://{BUCKET}/data: nothing lies there; expected a folder"):
        local_folder(f"s3://{BUCKET}/data", TEXT)
    with pytest.raises(SagesegError, match=r"^listing s3://no-such-bucket/: NoSuchBucket: .*correct its name$"):
        local_folder("s3://no-such-bucket", TEXT)
    with pytest.raises(SagesegError, match=rf"^fetching s3://{BUCKET}/gone\.txt: NoSuchKey"):
        local_file(f"s3://{BUCKET}/gone.txt")
    found = fetch_objects([S3Place(BUCKET, "gone.txt")])
    assert isinstance(found[S3Place(BUCKET, "gone.txt")], NotFetchedError)


def test_what_may_not_be_read_is_raised_with_its_key(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise AwsError("fetching s3://x/secret.txt", "AccessDenied", "not allowed")

    monkeypatch.setattr(cache_module, "copy_object", denied)
    with pytest.raises(NotFetchedError, match="AccessDenied: not allowed; ask for the IAM permission") as refused:
        fetch_object(S3Place(BUCKET, "secret.txt"))
    assert (refused.value.key, refused.value.is_missing) == ("secret.txt", False)


def test_a_full_disk_is_one_line_and_leaves_nothing(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, a="one")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module, "copy_object", full)
    with pytest.raises(SagesegError, match=r"a\.txt: cannot be kept in \$SAGESEG_HOME \(No space left on device\)"):
        local_file(f"s3://{BUCKET}/a.txt")
    assert texts(cache_root() / BUCKET) == {}


def test_two_processes_take_turns(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from prep.remote.cache import open_cache\n"
        f"with open_cache({BUCKET!r}): print('has it', flush=True); sys.stdin.readline()\n"
    )
    words, pipe = [sys.executable, "-c", program], subprocess.PIPE
    with subprocess.Popen(words, text=True, env=dict(os.environ), stdin=pipe, stdout=pipe) as other:
        assert other.stdout
        assert other.stdout.readline() == "has it\n"
        told: list[str] = []

        def say(line: str) -> None:
            told.append(line)
            other.communicate("go on\n")  # before the lock is waited for

        monkeypatch.setattr(cache_module, "say", say)
        with open_cache(BUCKET):
            assert told == [f"note: another sageseg is fetching from s3://{BUCKET}; waiting for it"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("folder/a", Path("folder/a")),
        ("s3://cars/a/b/", S3Place("cars", "a/b")),
        ("s3://cars", S3Place("cars", "")),
        ("s3://cars/a %20#?.jpg", S3Place("cars", "a %20#?.jpg")),
    ],
)
def test_a_place_is_a_path_or_in_s3(text: str, place: Any) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize("text", ["s3:/cars/a", "s3:///a", "S3://cars/a", "s3://../a"])
def test_what_only_looks_like_a_place_in_s3_is_refused(text: str) -> None:
    with pytest.raises(SagesegError, match="expected s3://bucket/key$"):
        parse_place(text)


@pytest.mark.parametrize(
    ("needs", "taken", "left"),
    [
        (all_images, ["a.jpg", "b/c.PNG"], ["a.txt", ".a.jpg", "b/.hidden/c.png", "a"]),
        (at_top_or_below(IMAGE_SUFFIXES), ["a.jpg"], ["b/c.png"]),
        (voc_folder, ["labelmap.txt", "JPEGImages/a/b.jpg", "imagesets/x/train.txt", "SegmentationClass/b.png"],
         ["SegmentationObject/b.png", "Annotations/b.txt", "JPEGImages/b.xml", "JPEGImages/c.jpg"]),
        (kitti_folder, ["training/image_2/um_000000.png", "training/calib/um_000000.txt"],
         ["testing/image_2/um_000000.png", "training/image_3/um_000000.png", "readme.txt"]),
        (channels_folder, ["labels.txt", "train/a.jpg", "train_annotation/a.png", "validation_annotation/b/a.png"],
         ["output/model.tar.gz", "label_map/train.json", "other/a.jpg", "train/b.jpg", "test/a.jpg"]),
    ],
)  # fmt: skip
def test_a_layout_needs_what_its_reader_reads(needs: Any, taken: list[str], left: list[str]) -> None:
    assert needs([*taken, *left]) == taken

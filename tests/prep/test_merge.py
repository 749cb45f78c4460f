"""What keeps shards from being one dataset is named, with the next step, and nothing is made."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import formats.shards.work_plan
from formats.errors import SagesegError
from formats.images import encode_image
from formats.masks import encode_mask
from formats.shards.shard import Shard
from prep.dataset.again import Typed
from prep.dataset.merge import merge_shards
from prep.dataset.shards import write_shard
from prep.options import PrepOptions
from prep.readers.labelled_image import Source
from tests.support.prep_samples import make_source, noise, square
from tests.support.shard_samples import GROUPS, write_shards
from tests.support.typed_commands import typed
from tests.support.voc_samples import add_image, add_mask, rows

OPTIONS = PrepOptions(crop=64, workers=1)
TOLD = Typed(("pairs", "photos", "masks", "--crop", "64"))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return make_source(tmp_path / "labels", GROUPS)


@pytest.fixture
def by(source: Source, tmp_path: Path) -> Path:
    """Three shards, all done."""
    return write_shards(source, tmp_path / "by", 3, OPTIONS, told=TOLD)


def refused(by: Path, told: str) -> None:
    """Merged they are refused with this line, and nothing is left."""
    out = by.with_name("merged")
    with pytest.raises(SagesegError, match=told):
        merge_shards(by, out)
    assert [path.name for path in by.parent.iterdir() if path.name.startswith("merged")] == []


def lose(by: Path, *numbers: int) -> None:
    for number in numbers:
        shutil.rmtree(by / f"shard-{number}-of-3")


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((2,), r"shard 2/3 is missing; run sageseg prep pairs photos masks --crop 64 --out \S+ --shard 2/3$"),
        ((1, 3), r"shard 1/3 is missing \(and 3/3\); run sageseg prep pairs .* --shard 1/3$"),
        ((1, 2, 3), r"no shard is done; run sageseg prep pairs photos masks --crop 64 --out \S+ --shard 1/4, then 2/4"),
    ],
)
def test_a_missing_shard_is_named_with_its_command(by: Path, numbers: tuple[int, ...], told: str) -> None:
    lose(by, *numbers)
    refused(by, told)


@pytest.mark.parametrize("name", ["shard-2-of-3 (copy)", "shard-02-of-3", "shard-3-of-3"])
def test_two_of_one_number_are_both_named(by: Path, name: str) -> None:
    shutil.rmtree(by / name, ignore_errors=True)
    shutil.copytree(by / "shard-2-of-3", by / name)
    refused(by, "shard 2 of 3, and so is .*; remove the one that is a copy")


def test_shards_of_two_cuts_are_not_mixed(source: Source, by: Path, tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"cut into 3 shards, and --shard says 1/2; say --shard I/3, or choose"):
        write_shards(source, by, 2, OPTIONS, [1], told=TOLD)
    other = write_shards(source, tmp_path / "other", 2, OPTIONS, [1], told=TOLD)
    (other / "shard-1-of-2").replace(by / "shard-1-of-2")
    refused(by, "holds shards of 2 and of 3 in all; remove those of one of them")


def test_a_shard_of_another_plan_is_not_taken(source: Source, by: Path, tmp_path: Path) -> None:
    other = write_shards(source, tmp_path / "other", 3, replace(OPTIONS, seed=1), [2], told=TOLD)
    lose(by, 2)
    (other / "shard-2-of-3").replace(by / "shard-2-of-3")
    refused(by, "shard-2-of-3: a shard of another plan than the one beside it; remove it and make it again")


def test_another_version_is_named(source: Source, by: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats.shards.work_plan, "tool_version", lambda: "9.9")
    refused(by, r"planned by sageseg \S+, and this is 9\.9; take that version for all")
    with pytest.raises(SagesegError, match=r"planned by sageseg \S+, and this is 9\.9"):
        write_shards(source, by, 3, OPTIONS, [1], told=TOLD)


def spoil_journal(by: Path) -> Path:
    path = by / "shard-1-of-3" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-2] + b"\n")
    return path


def lose_journal(by: Path) -> Path:
    path = by / "shard-1-of-3" / "journal.jsonl"
    path.unlink()
    return path


def spoil_sources(by: Path) -> Path:
    path = by / "sources.csv"
    path.write_text(path.read_text().replace("a_1", "a_9"))
    return path


def spoil_marker(by: Path) -> Path:
    path = by / "shard-1-of-3" / "shard.json"
    path.write_text(path.read_text()[:-5])
    return path


def newer_marker(by: Path) -> Path:
    path = by / "shard-1-of-3" / "shard.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    return path


def spoil_plan(by: Path) -> Path:
    (by / "plan.json").write_text("{}")
    return by / "plan.json"


def lose_plan(by: Path) -> Path:
    (by / "plan.json").unlink()
    return by


def lose_crop(by: Path) -> Path:
    path = next((by / "shard-1-of-3" / "SegmentationClass").iterdir())
    path.unlink()
    return path


def cut_crop(by: Path) -> Path:
    path = next((by / "shard-1-of-3" / "JPEGImages").iterdir())
    path.write_bytes(path.read_bytes()[:-9])
    return path


SPOILT = [spoil_journal, lose_journal, spoil_sources, spoil_marker, newer_marker, spoil_plan, lose_plan, lose_crop, cut_crop]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_what_is_damaged_is_named(by: Path, spoil: Callable[[Path], Path]) -> None:
    refused(by, f"^{re.escape(str(spoil(by)))}: .+")


def forge(by: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first entry of a shard, and have its marker fit."""
    path = by / "shard-1-of-3" / "journal.jsonl"
    first, *rest = path.read_text().splitlines(keepends=True)
    entry = json.loads(first)
    change(entry)
    path.write_text("".join([json.dumps(entry) + "\n", *rest]))
    marker = path.with_name("shard.json")
    told = json.loads(marker.read_text()) | {"journal_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    marker.write_text(json.dumps(told))


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry["rows"][0].__setitem__(0, "../../../escaped"),
        lambda entry: entry["rows"][0].__setitem__(0, "b_0"),
        lambda entry: entry["rows"][0].__setitem__(1, "test"),
        lambda entry: entry["rows"][0].__setitem__(4, "0"),
        lambda entry: entry.update(rows=[]),
        lambda entry: entry.update(rows=7),
        lambda entry: entry.update(pixels=["many", 1]),
        lambda entry: entry.update(pixels=[1, 2, 3]),
        lambda entry: entry.update(thumbnail="AAAA"),
        lambda entry: entry.update(source=[1]),
        lambda entry: entry.pop("state"),
    ],
)
def test_a_forged_journal_is_refused(by: Path, change: Callable[[dict[str, Any]], None]) -> None:
    forge(by, change)
    refused(by, "journal.jsonl: damaged .*; remove .* and make it again")


def test_a_journal_of_other_images_is_refused(by: Path) -> None:
    for name in ("journal.jsonl", "shard.json"):
        path = by / "shard-1-of-3" / name
        other = (by / "shard-2-of-3" / name).read_text()
        path.write_text(other.replace('"shard": 2', '"shard": 1'))
    refused(by, "journal.jsonl: (damaged|not a line for each source)")


def test_a_merge_does_not_replace_what_it_reads(by: Path) -> None:
    with pytest.raises(SagesegError, match="which is to be read and would be replaced"):
        merge_shards(by, by, overwrite=True)
    assert (by / "shard-1-of-3" / "shard.json").exists()


def test_a_plan_of_another_verb_is_named(by: Path) -> None:
    path = by / "plan.json"
    path.write_text(path.read_text().replace('"kind": "prep"', '"kind": "predict"'))
    refused(by, "plan.json: a plan of predict; expected one of prep")


def test_a_link_out_of_the_shards_is_refused(by: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not for others")
    path = next((by / "shard-1-of-3" / "JPEGImages").iterdir())
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    refused(by, f"^{re.escape(str(path))}: a link to .*secret, out of ")


def other_option(_: Source) -> PrepOptions:
    return replace(OPTIONS, crop=48)


def other_seed(_: Source) -> PrepOptions:
    return replace(OPTIONS, seed=5)


def change_own(source: Source) -> None:
    """Of the second shard's part; as large as before."""
    path = source.images[1].image
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def change_size(source: Source) -> None:
    """Of another's part."""
    source.images[0].image.write_bytes(encode_image(noise(99)) + b"more")


def change_mask(source: Source) -> None:
    source.images[4].mask.path.write_bytes(encode_mask(square(30)))


CHANGES: dict[Callable[[Source], PrepOptions | None], str] = {
    other_option: r"options\.crop is 48, and there 64",
    other_seed: r"options\.seed is 5, and there 0",
    change_own: r"a_1\.jpg has changed since: its checksum is",
    change_size: r"a_0\.jpg has changed since: its size is",
    change_mask: r"b_1\.jpg has changed since: its mask s",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_shard_of_another_plan_is_refused_with_the_first_difference(
    source: Source, tmp_path: Path, change: Callable[[Source], PrepOptions | None]
) -> None:
    by = write_shards(source, tmp_path / "by", 3, OPTIONS, [1], told=TOLD)
    options = change(source) or OPTIONS
    with pytest.raises(SagesegError, match=f"another plan: {CHANGES[change]}.*; choose another --out, or give what"):
        write_shards(source, by, 3, options, [2], told=TOLD)
    assert not list(by.glob("shard-2*"))


@pytest.mark.parametrize(
    ("images", "told"),
    [
        (slice(1, None), r"of its 7 sources, and 6 now, a_0\.jpg is gone"),
        (slice(None, -1), r"of its 7 sources, and 6 now, c_1\.jpg is gone"),
        (slice(None, None, -1), r"of its 7 sources, and 7 now, its sources are in another order"),
    ],
)
def test_a_source_that_is_gone_is_named(source: Source, tmp_path: Path, images: slice, told: str) -> None:
    by = write_shards(source, tmp_path / "by", 3, OPTIONS, [1], told=TOLD)
    with pytest.raises(SagesegError, match=told):
        write_shards(replace(source, images=source.images[images]), by, 3, OPTIONS, [2], told=TOLD)


def test_a_source_that_is_new_is_named(source: Source, tmp_path: Path) -> None:
    fewer = replace(source, images=source.images[:-1])
    by = write_shards(fewer, tmp_path / "by", 3, OPTIONS, [1], told=TOLD)
    with pytest.raises(SagesegError, match=r"of its 6 sources, and 7 now, c_1\.jpg is new"):
        write_shards(source, by, 3, OPTIONS, [2], told=TOLD)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            replace(TOLD, command=("pairs", "photos", "masks", "--binary", "--crop", "64")),
            r"that of the line sageseg prep pairs photos masks --crop 64; type it as it stands",
        ),
        (
            replace(TOLD, command=("pairs", "photos", "others", "--crop", "64")),
            r"that of the line sageseg .* photos masks --crop 64;",
        ),
        (replace(TOLD, files={"labels.txt": "0" * 64}), r"files\.labels\.txt is '0+\.\.\.0+', and there 'nothing'"),
    ],
)
def test_another_command_is_another_plan(source: Source, tmp_path: Path, told: Typed, message: str) -> None:
    by = write_shards(source, tmp_path / "by", 3, OPTIONS, [1], told=TOLD)
    with pytest.raises(SagesegError, match=f"another plan: {message}"):
        write_shards(source, by, 3, OPTIONS, [2], told=told)


def test_regions_in_a_folder_belong_to_the_plan(tmp_path: Path) -> None:
    source = make_source(tmp_path / "labels", {"a": 2, "b": 1})
    shape = {"label": "__region__", "shape_type": "rectangle", "points": [[0, 0], [70, 70]]}
    (tmp_path / "regions").mkdir()
    for group in "ab":
        (tmp_path / "regions" / f"{group}.json").write_text(json.dumps({"shapes": [shape]}))
    options = replace(OPTIONS, focus=tmp_path / "regions")
    by = write_shards(source, tmp_path / "by", 2, options, [1])
    shape["points"] = [[0, 0], [90, 90]]
    (tmp_path / "regions" / "b.json").write_text(json.dumps({"shapes": [shape]}))
    with pytest.raises(SagesegError, match=r"another plan: regions\.b\.json is"):
        write_shards(source, by, 2, options, [2])


@pytest.mark.parametrize("name", ["car", "road"])
def test_each_file_of_a_mask_of_several_belongs_to_the_plan(tmp_path: Path, name: str) -> None:
    for stem in ("a", "b", "c"):
        add_image(tmp_path / "images" / f"{stem}.jpg")
        for class_name in ("car", "road"):
            add_mask(tmp_path / "masks" / class_name / f"{stem}.png", rows(0, 255))
    line = ["prep", "pairs", "images", "masks", "--mask-name", "{class}/{stem}", "--out", "by", "--workers", "1"]
    assert typed([*line, "--shard", "1/2"], tmp_path).returncode == 0
    add_mask(tmp_path / "masks" / name / "b.png", rows(255, 0))
    ran = typed([*line, "--shard", "2/2"], tmp_path)
    assert ran.returncode == 1
    assert re.search(r"by: another plan: b\.jpg has changed since: its mask s", ran.stderr), ran.stderr


def test_two_shards_of_one_number_do_not_write_at_once(source: Source, tmp_path: Path) -> None:
    by = write_shards(source, tmp_path / "by", 2, OPTIONS, [2])
    met = list[str]()

    def second(*_: Any) -> None:
        with pytest.raises(SagesegError, match="another sageseg is writing here") as found:
            write_shard(source, by, OPTIONS, Shard(1, 2))
        met.append(str(found.value))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prep.dataset.shards.write_images", second)
        with pytest.raises(KeyError):  # nothing was written for the first
            write_shard(source, by, OPTIONS, Shard(1, 2))
    assert met


@pytest.mark.parametrize("text", ["0/4", "5/4", "a/b", "1/0", "-1/2", "2", "1/501", "1/2/3", ""])
def test_a_shard_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    ran = typed(["prep", "voc", "voc", "--out", "by", f"--shard={text}"], tmp_path)
    assert ran.returncode == 1
    assert f"--shard {text}: expected such as 2/4, the second of four" in ran.stderr


@pytest.mark.parametrize("name", ["notes.txt", "dataset.json", "shard-1-of-2"])
def test_a_folder_of_other_things_is_no_place_for_shards(tmp_path: Path, name: str) -> None:
    make_source(tmp_path / "photos", {"a": 2})
    (tmp_path / "by" / name).mkdir(parents=True)
    line = ["prep", "pairs", "photos", "photos", "--out", "by", "--shard", "1/2", "--overwrite"]
    ran = typed(line, tmp_path)
    assert (ran.returncode, [*(tmp_path / "by").iterdir()]) == (1, [tmp_path / "by" / name])
    assert f"by: holds {name} and no plan.json; choose a folder of its own for the shards" in ran.stderr

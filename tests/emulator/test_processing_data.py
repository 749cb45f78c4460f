"""What comes into a processing job's hosts and what leaves them."""

from __future__ import annotations

import errno
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.emulator.host.storage import Storage, StoredObject
from jobs.emulator.processing.inputs import Input
from jobs.emulator.processing.outputs import Uploads, outputs_in
from tests.support.emulator_setup import emulator, s3_with, wait_until
from tests.support.processing_setup import TELLS, asked, describe, fill, log_of, process, source, target, wait_for_end

NAMES = tuple(
    f"{folder}/{number}.{kind}" for folder, kind in (("images", "jpg"), ("masks", "png")) for number in range(8)
)


def names_of(folder: Path, hosts: int) -> list[list[str]]:
    """What each host told that it found."""
    return [json.loads((folder / "out" / f"algo-{n}.json").read_text())["names"] for n in range(1, hosts + 1)]


def manifest(folder: Path, *elements: Any) -> str:
    path = folder / "manifest.json"
    path.write_text(json.dumps(elements))
    return path.as_uri()


@pytest.mark.parametrize("hosts", [1, 3, 7])
def test_objects_are_dealt_among_the_hosts(tmp_path: Path, hosts: int) -> None:
    fill(tmp_path, *NAMES)
    one = source((tmp_path / "in").as_uri(), S3DataDistributionType="ShardedByS3Key")
    with emulator(tmp_path, process=TELLS) as (sagemaker, _, _):
        process(sagemaker, tmp_path, count=hosts, ProcessingInputs=[one])
    shares = names_of(tmp_path, hosts)
    assert sorted(name for share in shares for name in share) == sorted(NAMES)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_what_belongs_together_by_name_need_not_meet(tmp_path: Path) -> None:
    fill(tmp_path, *NAMES)
    several = [
        source((tmp_path / "in" / kind).as_uri(), f"in/{kind}", S3DataDistributionType="ShardedByS3Key")
        for kind in ("images", "masks")
    ]
    with emulator(tmp_path, process=TELLS) as (sagemaker, _, _):
        process(sagemaker, tmp_path, count=2, ProcessingInputs=several)
    numbers = [Counter(Path(name).stem for name in share) for share in names_of(tmp_path, 2)]
    assert any(count == 1 for found in numbers for count in found.values())


def test_more_hosts_than_objects_leave_some_an_empty_folder(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "b.jpg")
    one = source((tmp_path / "in").as_uri(), S3DataDistributionType="ShardedByS3Key")
    with emulator(tmp_path, process=TELLS) as (sagemaker, _, _):
        assert process(sagemaker, tmp_path, count=4, ProcessingInputs=[one])["ProcessingJobStatus"] == "Completed"
    assert sorted(map(len, names_of(tmp_path, 4))) == [0, 0, 1, 1]


def test_a_manifest_names_what_comes(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "b/ü c.jpg", "b/d.jpg", "not.jpg")
    prefix = {"prefix": (tmp_path / "in").as_uri() + "/"}
    uri = manifest(tmp_path, prefix, "a.jpg", "b/ü c.jpg", "b/d.jpg")
    with emulator(tmp_path, process=TELLS) as (sagemaker, _, _):
        for name, how in (("all", "FullyReplicated"), ("dealt", "ShardedByS3Key")):
            one = source(uri, S3DataType="ManifestFile", S3DataDistributionType=how)
            process(sagemaker, tmp_path, name, count=2, ProcessingInputs=[one])
            found = names_of(tmp_path, 2)
            wanted = {"all": [["a.jpg", "b/d.jpg", "b/ü c.jpg"]] * 2}.get(name)
            assert found == wanted if wanted else sorted(map(len, found)) == [1, 2]


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        (["a.jpg"], "no prefix that is a URI in its first element"),
        ([{"prefix": "/somewhere"}, "a.jpg"], "no prefix that is a URI in its first element"),
        ([{"prefix": "s3://bucket/"}, 7], "element 2 is 7; expected a manifest"),
        ([{"prefix": "s3://bucket/"}, "a.jpg", "../b.jpg"], r"element 3: what follows the prefix is '../b.jpg'"),
    ],
)
def test_a_manifest_that_is_none_fails_the_job(tmp_path: Path, elements: list[Any], words: str) -> None:
    uri = manifest(tmp_path, *elements)
    with emulator(tmp_path, process=TELLS) as (sagemaker, _, _):
        described = process(sagemaker, tmp_path, ProcessingInputs=[source(uri, S3DataType="ManifestFile")])
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith(f"ClientError: {uri}: ")
    assert words in described["FailureReason"]


def test_a_manifest_that_lists_what_is_not_there_fails_the_job(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg")
    uri = manifest(tmp_path, {"prefix": (tmp_path / "in").as_uri() + "/"}, "a.jpg", "gone.jpg")
    with emulator(tmp_path, process=TELLS) as (sagemaker, logs, _):
        described = process(sagemaker, tmp_path, count=2, ProcessingInputs=[source(uri, S3DataType="ManifestFile")])
        assert log_of(logs) == []
    assert described["FailureReason"].startswith("ClientError: ")
    assert "gone.jpg" in described["FailureReason"]


def test_what_a_host_does_to_its_inputs_stays_with_it(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "b.jpg")
    changes = """
given = root / "processing" / "in"
(given / "a.jpg").unlink()
(given / "new").write_text("new")
(given / "c").write_text("other")
(given / "c").replace(given / "b.jpg")
"""
    with emulator(tmp_path, process=changes) as (sagemaker, _, _):
        assert process(sagemaker, tmp_path, count=2)["ProcessingJobStatus"] == "Completed"
    assert {path.name: path.read_text() for path in (tmp_path / "in").iterdir()} == {"a.jpg": "a.jpg", "b.jpg": "b.jpg"}


def test_another_disk_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither links nor moves leave a disk."""
    fill(tmp_path, "a.jpg")
    monkeypatch.setattr("os.link", refused)
    monkeypatch.setattr("jobs.emulator.host.storage._moved", lambda *_: False)
    changes = """
given = root / "processing" / "in" / "a.jpg"
(root / "processing" / "out" / "a.txt").write_text(given.read_text())
given.write_text("changed in place")
"""
    with emulator(tmp_path, process=changes) as (sagemaker, _, _):
        assert process(sagemaker, tmp_path, count=2)["ProcessingJobStatus"] == "Completed"
    assert (tmp_path / "in" / "a.jpg").read_text() == (tmp_path / "out" / "a.txt").read_text() == "a.jpg"


def refused(*_: object, **__: object) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


@given(st.integers(0, 40), st.integers(1, 12))
def test_shares_are_a_partition(objects: int, hosts: int) -> None:
    found = [StoredObject(f"{n}", f"s3://bucket/{n}") for n in range(objects)]
    dealt, whole = Input("/opt/ml/processing/in", found, True), Input("/opt/ml/processing/in", found, False)
    shares = [dealt.share(number, hosts) for number in range(hosts)]
    assert sorted((one.name for share in shares for one in share), key=int) == [one.name for one in found]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all(whole.share(number, hosts) == found for number in range(hosts))


class LosesFiles(Storage):
    """A storage to which no file can be sent; `gone`: because it was a passing one."""

    def __init__(self, *, gone: bool) -> None:
        super().__init__(lambda: None)
        self._gone = gone

    def store(self, file: Path, uri: str, name: str, *, move: bool = False) -> None:
        if self._gone:
            file.unlink()
        raise SagesegError(f"{uri}/{name}: cannot be {'moved' if move else 'copied'}")


def test_a_file_that_passes_is_no_failure(tmp_path: Path) -> None:
    outputs = outputs_in([target("s3://bucket/out", S3UploadMode="Continuous")["S3Output"]], tmp_path)
    outputs[0].folder.mkdir(parents=True)
    failures: list[str] = []
    for gone in (False, True):
        (outputs[0].folder / "a.partial").write_text("a")
        uploads = Uploads(LosesFiles(gone=gone), outputs, lambda: failures.append("failed"))
        if gone:
            uploads.close()
        else:
            wait_until(lambda: bool(failures))
            with pytest.raises(SagesegError, match="s3://bucket/out/a.partial: cannot be copied"):
                uploads.close()
    assert failures == ["failed"]


def test_outputs_of_all_hosts_meet_at_the_end(tmp_path: Path) -> None:
    fill(tmp_path)
    writes = """
import json
host = json.loads((root / "config" / "resourceconfig.json").read_text())["current_host"]
for name in (f"deep/er/{host}", "same"):
    path = root / "processing" / "out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(host)
(root / "processing" / "out" / "link").symlink_to("/etc/passwd")
"""
    with emulator(tmp_path, process=writes) as (sagemaker, _, _):
        process(sagemaker, tmp_path, count=2)
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*"))
    assert found == ["deep", "deep/er", "deep/er/algo-1", "deep/er/algo-2", "same"]
    assert (tmp_path / "out/same").read_text() in ("algo-1", "algo-2")


CONTINUOUS = """
import os, time
out = root / "processing" / "out"
seen = Path(os.environ["SEEN"])
(out / "first.txt").write_text("one")
while not (seen / "first.txt").exists():
    time.sleep(0.01)
(out / "first.txt").write_text("one and two")
(out / "second.txt").write_text("late")
"""


@pytest.mark.parametrize(
    ("end", "status"), [("", "Completed"), ("sys.exit(1)", "Failed"), ("time.sleep(60)", "Stopped")]
)
def test_continuous_outputs_come_while_the_job_runs_and_stay(tmp_path: Path, end: str, status: str) -> None:
    fill(tmp_path)
    out = tmp_path / "o ut"
    with emulator(tmp_path, process=CONTINUOUS + end, grace_seconds=0.1) as (sagemaker, _, _):
        outputs = {"Outputs": [target(out.as_uri(), S3UploadMode="Continuous")]}
        sagemaker.create_processing_job(
            **asked(tmp_path, ProcessingOutputConfig=outputs, Environment={"SEEN": str(out)})
        )
        if status == "Stopped":
            wait_until((out / "second.txt").exists)
            sagemaker.stop_processing_job(ProcessingJobName="process")
        described = wait_for_end(sagemaker)
    assert described["ProcessingJobStatus"] == status
    assert {path.name: path.read_text() for path in out.iterdir()} == {"first.txt": "one and two", "second.txt": "late"}


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_an_output_that_cannot_be_written_fails_the_job(tmp_path: Path, mode: str) -> None:
    fill(tmp_path)
    blocked = tmp_path / "out" / "a"
    blocked.mkdir(parents=True)
    (blocked / "in the way").touch()
    writes = '(root / "processing" / "out" / "a").write_text("a")\nimport time\ntime.sleep(END)'
    writes = writes.replace("END", "0" if mode == "EndOfJob" else "60")
    with emulator(tmp_path, process=writes, grace_seconds=0.1) as (sagemaker, _, _):
        outputs = {"Outputs": [target((tmp_path / "out").as_uri(), S3UploadMode=mode)]}
        described = process(sagemaker, tmp_path, count=2, ProcessingOutputConfig=outputs)
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("ClientError: ")
    assert "out/a" in described["FailureReason"]


REPLACEMENTS = {
    "file": "shutil.rmtree(out)\nout.write_text('no folder')",
    "link": "shutil.rmtree(out)\nout.symlink_to(os.environ['OTHERS'])",
    "link above": "shutil.rmtree(out.parent)\nout.parent.symlink_to(Path(os.environ['OTHERS']).parent)",
}


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_files_of_others_do_not_go_by_a_link(tmp_path: Path, mode: str, replacement: str) -> None:
    """They would be moved away, not copied, where one disk holds both."""
    fill(tmp_path)
    kept = tmp_path / "others" / "out" / "kept.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("kept")
    replaces = f'import os, shutil\nout = root / "processing" / "out"\n{REPLACEMENTS[replacement]}'
    with emulator(tmp_path, process=replaces) as (sagemaker, _, _):
        outputs = {"Outputs": [target((tmp_path / "out").as_uri(), S3UploadMode=mode)]}
        changes: dict[str, Any] = {"ProcessingOutputConfig": outputs, "Environment": {"OTHERS": str(kept.parent)}}
        described = process(sagemaker, tmp_path, **changes)
    assert described["FailureReason"] == (
        "ClientError: /opt/ml/processing/out: no longer the folder that was there; let the program write into it"
    )
    assert kept.read_text() == "kept"
    assert not list((tmp_path / "out").rglob("*"))


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_an_output_that_its_program_removes_is_empty(tmp_path: Path, mode: str) -> None:
    fill(tmp_path)
    removes = 'import shutil\nshutil.rmtree(root / "processing" / "out")'
    with emulator(tmp_path, process=removes) as (sagemaker, _, _):
        outputs = {"Outputs": [target((tmp_path / "out").as_uri(), S3UploadMode=mode)]}
        described = process(sagemaker, tmp_path, ProcessingOutputConfig=outputs)
    assert described["ProcessingJobStatus"] == "Completed"
    assert not list((tmp_path / "out").rglob("*"))


def test_places_in_s3(tmp_path: Path) -> None:
    """A prefix is a beginning of keys; one object is a prefix too; a manifest lies in a bucket as well."""
    copies = """
import json
host = json.loads((root / "config" / "resourceconfig.json").read_text())["current_host"]
given = root / "processing"
found = sorted(str(p.relative_to(given)) + "=" + p.read_text() for p in (given / "in").rglob("*") if p.is_file())
(given / "out" / host).write_text("; ".join(found))
"""
    keys = ("in/a.jpg", "in/b/c.jpg", "code/x.py", "listed/d.jpg", "listed/e.jpg")
    bucket = "processing-bucket"
    with s3_with(bucket, *keys) as s3, emulator(tmp_path, process=copies, make_s3=lambda: s3) as (sagemaker, _, _):
        listed = json.dumps([{"prefix": f"s3://{bucket}/listed/"}, "e.jpg"])
        s3.put_object(Bucket=bucket, Key="manifest", Body=listed.encode())
        several = [
            source(f"s3://{bucket}/in/"),
            source(f"s3://{bucket}/code/x.py", "in/code"),
            source(f"s3://{bucket}/manifest", "in/listed", S3DataType="ManifestFile"),
        ]
        for name, mode in (("late", "EndOfJob"), ("soon", "Continuous")):
            outputs = {"Outputs": [target(f"s3://{bucket}/{name}", S3UploadMode=mode)]}
            described = process(
                sagemaker, tmp_path, name, count=2, ProcessingInputs=several, ProcessingOutputConfig=outputs
            )
            assert described["ProcessingJobStatus"] == "Completed"
        made = {
            key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            for key in (f"{name}/algo-{number}" for name in ("late", "soon") for number in (1, 2))
        }
        assert describe(sagemaker, "late")["ProcessingInputs"][0]["S3Input"]["S3Uri"] == f"s3://{bucket}/in/"
    wanted = "in/a.jpg=in/a.jpg; in/b/c.jpg=in/b/c.jpg; in/code/x.py=code/x.py; in/listed/e.jpg=listed/e.jpg"
    assert set(made.values()) == {wanted}

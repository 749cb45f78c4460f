"""Augmented manifests: streamed by the emulator as SageMaker would, trained on as files are."""

from __future__ import annotations

import io
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.algorithm.__main__ import main
from jobs.algorithm.data.streamed_channels import channel_files
from jobs.contract.channels import MANIFEST_ATTRIBUTES
from jobs.contract.model_archive import pack_artefact
from jobs.contract.recordio import MAGIC, frame, read_records
from jobs.contract.registry import OPEN_IMAGE, builtin_image
from jobs.contract.statuses import ENDED
from jobs.contract.training_request import TrainingJob, training_request
from jobs.emulator.host.container import OWN_PROGRAMS
from jobs.emulator.host.storage import Storage, open_s3
from jobs.emulator.server import running_server
from jobs.emulator.training.channel_pipes import Pipes, Stream
from tests.support.emulator_setup import ROLE, client, messages, programs, s3_with, wait_until
from tests.support.opt_ml_samples import SETTINGS, write_root

READS = """
for channel in ("train", "validation"):
    for epoch in (0, 1):
        with open(root / "input" / "data" / f"{channel}_{epoch}", "rb") as stream:
            print(channel, epoch, stream.read().hex())
(root / "model" / "weights").touch()
"""


@given(st.lists(st.binary(max_size=40)))
def test_records_come_out_as_they_went_in(contents: list[bytes]) -> None:
    stream = io.BytesIO(b"".join(map(frame, contents)))
    assert list(read_records(stream, "x")) == contents


def test_a_record_in_parts_has_its_magic_numbers_back() -> None:
    """dmlc's writer cuts content at an aligned magic number, and leaves that out."""
    magic = MAGIC.to_bytes(4, "little")
    parts = [(1, b"abcd"), (2, b"efgh"), (3, b"i")]
    stream = b"".join(
        magic + (kind << 29 | len(part)).to_bytes(4, "little") + part + bytes(-len(part) % 4) for kind, part in parts
    )
    assert list(read_records(io.BytesIO(stream + frame(b"z")), "x")) == [magic.join([b"abcd", b"efgh", b"i"]), b"z"]


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (frame(b"abcdef")[:-1], "breaks off"),
        (frame(b"abcdef")[:6], "breaks off"),
        (MAGIC.to_bytes(4, "little") + (1 << 29).to_bytes(4, "little"), "breaks off"),
        (b"\xff\xd8\xff\xe0JFIF....", "no RecordIO frame"),
    ],
)
def test_a_stream_that_is_none_is_refused(stream: bytes, reason: str) -> None:
    with pytest.raises(SagesegError, match=f"train_0: {reason}"):
        list(read_records(io.BytesIO(stream), "train_0"))


def write_manifests(data: Path) -> None:
    """Manifests that name the channels' files in the order of their names, attributes mixed up."""
    for channel in ("train", "validation"):
        lines = []
        for image in sorted((data / channel).iterdir()):
            mask = data / f"{channel}_annotation/{image.stem}.png"
            refs = {MANIFEST_ATTRIBUTES[1]: mask.as_uri(), "weather": "rain", MANIFEST_ATTRIBUTES[0]: image.as_uri()}
            lines.append(json.dumps(refs) + "\n")
        (data / f"{channel}.manifest").write_text("".join(lines))


def job(data_uri: str, out: Path, name: str, **changes: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "name": name,
        "image": OPEN_IMAGE,
        "role": ROLE,
        "data_uri": data_uri,
        "output_uri": out.as_uri(),
        "instance_type": "ml.m5.large",
        "volume_gb": 10,
        "max_runtime_seconds": 600,
        "hyperparameters": SETTINGS,
    }
    return training_request(TrainingJob(**(settings | changes)))


def wait_for_end(sagemaker: Any, name: str = "job", seconds: float = 15) -> dict[str, Any]:
    def describe() -> dict[str, Any]:
        return sagemaker.describe_training_job(TrainingJobName=name)  # type: ignore[no-any-return]

    wait_until(lambda: describe()["TrainingJobStatus"] in ENDED, seconds)
    return describe()


@contextmanager
def emulator(folder: Path, **also: Any) -> Iterator[tuple[Any, Any]]:
    with (
        running_server(folder / "home", **also) as server,
        client("sagemaker", server.url) as sagemaker,
        client("logs", server.url) as logs,
    ):
        yield sagemaker, logs


def test_a_training_from_manifests_is_that_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are trained on here, the manifests in the emulator's container."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    root = write_root(tmp_path / "root", SETTINGS)
    write_manifests(root / "input/data")
    asked = job((root / "input/data").as_uri(), tmp_path / "out", "streamed", augmented=True)
    with emulator(tmp_path, programs=OWN_PROGRAMS) as (sagemaker, _):
        sagemaker.create_training_job(**asked)
        assert main(["train", "--root", str(root)]) == 0
        ended = wait_for_end(sagemaker, "streamed", seconds=60)
    assert ended["TrainingJobStatus"] == "Completed", ended
    pack_artefact(root / "model", tmp_path / "files.tar.gz")
    streamed = tmp_path / "out/streamed/output/model.tar.gz"
    assert streamed.read_bytes() == (tmp_path / "files.tar.gz").read_bytes()


def records(hexadecimal: str) -> list[bytes]:
    return list(read_records(io.BytesIO(bytes.fromhex(hexadecimal)), "x"))


def test_each_epoch_is_streamed_in_the_order_of_lines_and_attributes(tmp_path: Path) -> None:
    data = write_root(tmp_path / "root", SETTINGS, samples=2) / "input/data"
    write_manifests(data)
    with emulator(tmp_path, programs=programs(tmp_path, READS)) as (sagemaker, logs):
        request = job(data.as_uri(), tmp_path / "out", "job", augmented=True)
        sagemaker.create_training_job(**request)
        assert wait_for_end(sagemaker)["TrainingJobStatus"] == "Completed"
        lines = [message.split() for message in messages(logs)]
    assert [line[:2] for line in lines] == [["train", "0"], ["train", "1"], ["validation", "0"], ["validation", "1"]]
    for channel, _, sent in lines:
        names = (f"{channel}/0.jpg", f"{channel}_annotation/0.png", f"{channel}/1.jpg", f"{channel}_annotation/1.png")
        assert records(sent) == [(data / name).read_bytes() for name in names]


def test_objects_of_s3_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_with("piped", "a.jpg", "a.png") as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.meta.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        stream = Stream("train", ["s3://piped/a.jpg", "s3://piped/a.png"])
        pipes = Pipes(Storage(open_s3), [stream], tmp_path, on_failure=lambda: None)
        assert list(read_records(io.BytesIO((tmp_path / "train_0").read_bytes()), "x")) == [b"a.jpg", b"a.png"]
        pipes.close()


def test_a_file_that_vanishes_ends_the_container_and_is_named(tmp_path: Path) -> None:
    failed = threading.Event()
    stream = Stream("train", [(tmp_path / "gone.jpg").as_uri()])
    pipes = Pipes(Storage(open_s3), [stream], tmp_path, on_failure=failed.set)
    assert (tmp_path / "train_0").read_bytes() == b""
    assert failed.wait(10)
    with pytest.raises(SagesegError, match=r"gone\.jpg"):
        pipes.close()


def test_streams_nobody_reads_or_reads_to_the_end_hold_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(2**20))
    streams = [Stream(name, [(tmp_path / "a").as_uri()]) for name in ("train", "validation")]
    before = threading.active_count()
    pipes = Pipes(Storage(open_s3), streams, tmp_path, on_failure=lambda: None)
    with (tmp_path / "train_0").open("rb") as stream:
        stream.read(8)
    pipes.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"source-ref": "file:///x.jpg"}', r"train\.manifest: line 2: no segmentation-ref"),
        ("{", r"train\.manifest: line 2: not JSON"),
        (
            '{"source-ref": "file:///nowhere/x.jpg", "segmentation-ref": "file:///nowhere/x.png"}',
            "x.jpg: no file there",
        ),
    ],
)
def test_a_wrong_manifest_fails_the_job(line: str, reason: str, tmp_path: Path) -> None:
    data = write_root(tmp_path / "root", SETTINGS, samples=1) / "input/data"
    write_manifests(data)
    with (data / "train.manifest").open("a") as manifest:
        manifest.write(line + "\n")
    with emulator(tmp_path, programs=programs(tmp_path, READS)) as (sagemaker, _):
        sagemaker.create_training_job(**job(data.as_uri(), tmp_path / "out", "job", augmented=True))
        ended = wait_for_end(sagemaker)
    assert ended["TrainingJobStatus"] == "Failed"
    assert re.search(f"ClientError: .*{reason}", ended["FailureReason"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"InputMode": "File"}, "in another mode than Pipe is not emulated"),
        ({"RecordWrapperType": "None"}, "another RecordWrapperType than RecordIO is not emulated"),
        ({"ShuffleConfig": {"Seed": 1}}, "with ShuffleConfig is not emulated"),
    ],
)
def test_other_ways_to_stream_are_refused(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    data = write_root(tmp_path / "root", SETTINGS, samples=1) / "input/data"
    write_manifests(data)
    request = job(data.as_uri(), tmp_path / "out", "job", augmented=True)
    request["InputDataConfig"][0] |= change
    with emulator(tmp_path, programs=programs(tmp_path, READS)) as (sagemaker, _):
        with pytest.raises(sagemaker.exceptions.ClientError, match=reason):
            sagemaker.create_training_job(**request)
        request = job(data.as_uri(), tmp_path / "out", "job", augmented=True)
        request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = (data / "no.manifest").as_uri()
        with pytest.raises(sagemaker.exceptions.ClientError, match=r"Channel train: .*no\.manifest: no file there"):
            sagemaker.create_training_job(**request)


def test_the_builtin_takes_two_channels_of_manifests(tmp_path: Path) -> None:
    data = write_root(tmp_path / "root", SETTINGS, samples=1) / "input/data"
    write_manifests(data)
    builtin = {"image": builtin_image("eu-central-1"), "instance_type": "ml.p3.2xlarge", "augmented": True}
    given = {"num_classes": "2", "num_training_samples": "1"}
    request = job(data.as_uri(), tmp_path / "out", "job", hyperparameters=given, **builtin)
    with emulator(tmp_path, programs=programs(tmp_path, READS)) as (sagemaker, _):
        alone = request | {"InputDataConfig": request["InputDataConfig"][:1]}
        with pytest.raises(sagemaker.exceptions.ClientError, match="Channel validation is missing"):
            sagemaker.create_training_job(**alone)
        sagemaker.create_training_job(**request)
        assert wait_for_end(sagemaker)["TrainingJobStatus"] == "Completed"


def piped_root(root: Path, streams: dict[str, bytes]) -> Path:
    """An `/opt/ml` tree whose channels come through FIFOs that threads fill."""
    (root / "input/config").mkdir(parents=True)
    (root / "input/data").mkdir()
    config = {name: {"TrainingInputMode": "Pipe", "RecordWrapperType": "RecordIO"} for name in streams}
    (root / "input/config/inputdataconfig.json").write_text(json.dumps(config))
    (root / "input/config/hyperparameters.json").write_text(json.dumps(SETTINGS))
    for name, content in streams.items():
        os.mkfifo(root / f"input/data/{name}_0")
        threading.Thread(target=(root / f"input/data/{name}_0").write_bytes, args=(content,), daemon=True).start()
    return root


def test_a_configuration_that_nests_without_end_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/inputdataconfig.json").write_text("[" * 100_000)
    with (
        pytest.raises(SagesegError, match=r"inputdataconfig\.json: damaged, no JSON \(more than"),
        channel_files(tmp_path),
    ):
        pass


def test_the_program_makes_files_of_streams_and_removes_them(tmp_path: Path) -> None:
    root = piped_root(tmp_path, {"train": frame(b"i") + frame(b"m"), "validation": frame(b"j") + frame(b"n")})
    (root / "input/data/label_map").mkdir()
    with channel_files(root / "input") as data:
        assert sorted(path.name for path in data.iterdir()) == [
            "label_map",
            "train",
            "train_annotation",
            "validation",
            "validation_annotation",
        ]
        assert (data / "train/00000001.jpg").read_bytes() == b"i"
        assert (data / "validation_annotation/00000001.png").read_bytes() == b"n"
    assert not data.exists()


@pytest.mark.parametrize(
    ("streams", "reason"),
    [
        ({"train": frame(b"i")}, "train_0: holds 1 records; expected an image and a mask"),
        ({"train": b""}, "train_0: holds 0 records"),
        ({"train_annotation": b""}, "channel train_annotation: in Pipe mode; expected File"),
    ],
)
def test_streams_the_program_cannot_use_are_named(streams: dict[str, bytes], reason: str, tmp_path: Path) -> None:
    root = piped_root(tmp_path, streams)
    if "train_annotation" in streams:  # nobody will read it
        (root / "input/data/train_annotation_0").open("rb").close()
    assert main(["train", "--root", str(root)]) == 1
    assert reason in (root / "output/failure").read_text()

"""Every parser of jobs and sageseg that reads a file as a target of the trial. What comes over a wire is in
`wire_targets`."""

from __future__ import annotations

import gzip
import io
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import numpy as np

import sageseg
from formats.prepared.label_map import recorded_label_maps
from formats.prepared.preparation import read_preparation
from formats.version import tool_version
from jobs.algorithm.__main__ import read_hyperparameters
from jobs.algorithm.data.streamed_channels import channel_files
from jobs.algorithm.machine.paid_machine import check_machine
from jobs.contract.artefact import artefact_network, read_artefact, read_model_folder
from jobs.contract.hyperparameters import parse_hyperparameters, without_the_services
from jobs.contract.mxnet_params import decode_params, encode_params
from jobs.contract.training_request import validates_on_train
from jobs.emulator.host.rehearsal import read_plan
from jobs.emulator.host.unpack import unpack_model
from jobs.emulator.presence import presence_path, read_presence
from jobs.emulator.store.log_files import Window, read_backward, read_events, read_forward
from jobs.emulator.store.state import Resource, State
from jobs.endpoints.records import parse_endpoint
from jobs.processing.begun import parse_begun
from jobs.processing.wheel import read_wheel
from jobs.tracking.course import describe_settings
from jobs.tracking.failures import find_cure
from jobs.tracking.follow_training import finished_record
from jobs.tracking.job_calls import FoundJob
from jobs.tracking.log_file import epochs_of_file
from jobs.tracking.progress import Progress, advance, describe_epoch, describe_progress
from jobs.tracking.records import format_record, parse_record
from jobs.tracking.trained_model import model_of
from jobs.tracking.training_data import data_of_artefact, data_of_record
from jobs.tracking.tuning_records import most_jobs, objective_of, training_job
from jobs.training.upload_plan import read_journal
from sageseg.experiment.runs import FOLDERS, Runs
from sageseg.experiment.steps import plan_steps, read_experiment
from trust.damage.builders import named, of_bytes, plain, seed_of
from trust.damage.engine import Builder, Target, of_file

# logs


def _follow_log(content: bytes) -> None:
    """As a running job is followed: nothing in its log may end that."""
    progress = advance(Progress(), content.decode("utf-8", "replace").splitlines())
    for metrics in progress.measured:
        describe_epoch(metrics, progress.epochs, on_train=False)
    describe_progress(progress, "Training", 1.0, on_train=True)


# records


def _use_record(content: bytes) -> None:
    record = parse_record(content, "job.json")
    str(record.first_name)
    data_of_record(record)
    recorded_label_maps({"label_map": record.label_map}, Path("job.json"))
    validates_on_train(record.request)
    finished_record(record, record.description, [])
    describe_settings(record.description)
    find_cure(record.description, ["CUDA_ERROR_OUT_OF_MEMORY"])
    format_record(record)
    if record.is_tuning:
        most_jobs(record)
        objective_of(record)
        training_job(record, {"TrainingJobName": "a", "TrainingJobArn": "b"})
    else:
        model_of(FoundJob(record, {**record.description, **_DESCRIBED}))


_DESCRIBED = {
    "TrainingJobStatus": "Completed",
    "ResourceConfig": {"InstanceType": "ml.g5.xlarge"},
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"},
}
"""What AWS would tell of it."""


# experiments


def _run_file(path: Path) -> None:
    for step in plan_steps(read_experiment(path)):
        step.line({name: Path(name) for name in FOLDERS}, "job")
        with named(path):
            step.fingerprint("")


def _runs(path: Path) -> None:
    runs = Runs(path.parent)
    plan = {"prep": "a", "train": "b", "report": "c"}
    str(runs.trained)
    runs.found("train", "b")
    runs.report_before(path)
    runs.begin(plan, path.parent)


# artefacts


def _packed(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _params() -> bytes:
    return encode_params({"arg:a": np.zeros((2, 3), np.float32), "aux:b": np.ones(4, np.int64)})


def _tar() -> bytes:
    settings = seed_of("hyperparams/seed.json")
    return _packed({"hyperparams.json": settings, "model_best.params": _params(), "a" * 150: b"x"})


def _artefact(folder: Path) -> Target:
    path = folder / "model.tar.gz"

    def parse(content: bytes) -> None:
        path.write_bytes(gzip.compress(content, 0))
        artefact_network(read_artefact(path))

    return Target("artefact-tar", "bytes", parse, path.name, (_tar(),))


def _unpacked(folder: Path) -> Target:
    path = folder / "model.tar.gz"

    def parse(content: bytes) -> None:
        path.write_bytes(gzip.compress(content, 0))
        unpack_model(path, folder / "unpacked")

    return Target("artefact-unpacked", "bytes", parse, path.name, (_tar(),))


def _model_folder(folder: Path) -> Target:
    (folder / "model_best.params").write_bytes(_params())

    def read(_: Path) -> None:
        artefact = read_model_folder(folder)
        with named(folder / "hyperparams.json"):
            artefact_network(artefact)
            data_of_artefact(artefact.hyperparameters, "hyperparams.json")
            read_preparation(artefact.hyperparameters, "hyperparams.json")

    return of_file(folder, "hyperparams", "hyperparams.json", "json", read)


# what a container is told


def _hyperparameters(path: Path) -> None:
    settings = read_hyperparameters(path)
    with named(path):
        parse_hyperparameters(without_the_services(settings), "open")


def _piped(path: Path) -> None:
    with named(path), channel_files(path.parents[1]):
        pass


# what the emulator keeps


def _state(folder: Path) -> Target:
    place = folder / "seed.sqlite"
    state = State(place)
    state.insert(Resource("job", "a", "arn:a", "Completed", 1.0, 1.0, {"a": [1]}, [{"Key": "a", "Value": "b"}]))
    state.close()
    with sqlite3.connect(place) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("VACUUM")
    database.close()

    def read(path: Path) -> None:
        for rest in ("-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        opened = State(path)
        try:
            opened.get("job", "a")
            opened.by_arn("arn:a")
            opened.query("SELECT * FROM log_streams")
        finally:
            opened.close()

    return of_file(folder, "state", "state.sqlite", "bytes", read, seeds=(place.read_bytes(),))


def _presence(folder: Path) -> Target:
    return of_file(folder, "presence", str(presence_path(Path())), "json", lambda _: read_presence(folder))


def _log_pages(path: Path) -> None:
    list(read_events(path))
    read_forward(path, 0, Window(10))
    read_backward(path, None, Window(10))


def _wheel(folder: Path) -> Target:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name in ("sageseg/__init__.py", "sageseg/__main__.py"):
            wheel.writestr(zipfile.ZipInfo(name), Path(sageseg.__file__).with_name(Path(name).name).read_bytes())
    file = f"sageseg-{tool_version()}-py3-none-any.whl"
    return of_file(folder, "wheel", file, "bytes", lambda path: read_wheel(path, ()), seeds=(packed.getvalue(),))


TARGETS: dict[str, Builder] = {
    "log-lines": of_bytes("log-lines", "text", _follow_log, refusals=()),
    "log-file": plain("log-file", "train.log", "text", epochs_of_file, others=("log-lines",)),
    "log-json": plain("log-json", "train.json", "json", epochs_of_file),
    "log-packed": plain("log-packed", "log.gz", "bytes", epochs_of_file, seeds=(gzip.compress(b"train loss: 1\n"),)),
    "record": of_bytes("record", "json", _use_record),
    "endpoint-record": of_bytes("endpoint-record", "json", lambda content: parse_endpoint(content, Path("e.json"))),
    "processing-record": of_bytes(
        "processing-record", "json", lambda content: parse_begun(content, Path("p.json")).since
    ),
    "wheel": _wheel,
    "experiment": plain("experiment", "experiment.yaml", "text", _run_file),
    "steps": plain("steps", "steps.json", "json", _runs),
    "rehearsal": plain("rehearsal", "rehearsal.yaml", "text", read_plan),
    "params": of_bytes("params", "bytes", lambda content: decode_params(content, "a.params"), seeds=(_params(),)),
    "artefact": plain("artefact", "model.tar.gz", "bytes", read_artefact, seeds=(gzip.compress(_tar()),)),
    "artefact-tar": _artefact,
    "artefact-unpacked": _unpacked,
    "hyperparams": _model_folder,
    "hyperparameters": plain("hyperparameters", "hyperparameters.json", "json", _hyperparameters),
    "resources": plain("resources", "resourceconfig.json", "json", lambda path: check_machine(path, 1)),
    "channels": plain("channels", "input/config/inputdataconfig.json", "json", _piped),
    "upload-journal": plain("upload-journal", "journal", "json", read_journal, refusals=()),
    "state": _state,
    "presence": _presence,
    "event-log": plain("event-log", "log.jsonl", "json", _log_pages, refusals=()),
}

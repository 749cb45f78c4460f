"""Logs as files, however they were saved, and files that are none."""

import csv
import gzip
import io
import json
import math
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from formats import limits
from formats.errors import SagesegError
from jobs.cli import app
from jobs.contract.log_lines import EpochMetrics, schedule_line, train_lines, validation_lines
from jobs.tracking.log_file import epochs_of_file

LINES = [
    "Docker entrypoint called with argument(s): train",
    f"[11/28/2026 10:00:00 INFO 140] {schedule_line(3, 2)}",
    *(f"\x1b[34m{line}\x1b[0m" for line in train_lines(0, 0.5, 10.0)),
    *validation_lines(0, 0.9, 0.75, 20.0),
    *train_lines(1, math.nan, 11.0),
]
EPOCHS = [EpochMetrics(0, 0.5, 10.0, 0.75, 0.9, 20.0), EpochMetrics(1, math.nan, 11.0)]
TEXT = "\n".join(LINES)
EVENTS = [{"timestamp": number, "message": line, "ingestionTime": number} for number, line in enumerate(LINES)]


def csv_text() -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["timestamp", "message"], *([n, line] for n, line in enumerate(LINES))])
    return buffer.getvalue()


def cell() -> dict[str, object]:
    stream = {"output_type": "stream", "name": "stdout", "text": [f"{line}\n" for line in LINES]}
    return {"cells": [{"cell_type": "code", "source": ["fit()"], "outputs": [stream]}], "nbformat": 4}


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        (TEXT + "\n\xff").encode("latin-1"),
        gzip.compress("".join(f"2026-11-28T10:00:00.000Z {line}\n" for line in LINES).encode()),
        json.dumps({"events": EVENTS, "nextForwardToken": "f/1"}).encode(),
        json.dumps(EVENTS, indent=4).encode("utf-16"),
        json.dumps([{"@timestamp": "now", "@message": line} for line in LINES]).encode(),
        "\n".join(json.dumps({"log": f"{line}\n", "stream": "stdout"}) for line in LINES).encode(),
        csv_text().encode(),
        json.dumps(cell()).encode(),
    ],
    ids=[
        *("text", "mark", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "gz", "events", "list of events"),
        *("insights", "json lines", "csv", "notebook"),
    ],
)
def test_a_log_is_read_however_it_was_saved(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_bytes(content)
    assert repr(epochs_of_file(path)) == repr(EPOCHS)  # nan is not equal to itself


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("job.log", TEXT)
    return buffer.getvalue()


def model_archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("hyperparams.json"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (zipped, "a zip archive; unpack it, and name the log"),
        (model_archive, "an archive, as a model.tar.gz is, and no log"),
        (lambda: gzip.compress(TEXT.encode())[:60], "cannot be read"),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(40), "a PNG image"),
        (lambda: b"\xff\xd8\xff\xe0" + bytes(40), "a JPEG image"),
        (lambda: bytes(range(256)) * 4, "no text"),
        (lambda: b"name,class\na,car\n", "no line of a training in it"),
        (lambda: b'{"epochs": 3}', "no line of a training in it"),
        (lambda: b"", "no line of a training in it"),
    ],
    ids=["zip", "model", "cut", "png", "jpeg", "bytes", "csv", "json", "empty"],
)
def test_any_other_file_is_refused_in_a_line(make: Callable[[], bytes], said: str, tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_bytes(make())
    with pytest.raises(SagesegError) as refused:
        epochs_of_file(path)
    assert str(refused.value).startswith(f"{path}: {said}")
    assert "expected a training's log" in str(refused.value)


def test_a_training_that_has_only_begun_is_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text("\n".join(LINES[:2]))
    assert epochs_of_file(path) == []


def test_epochs_have_the_logs_own_numbers_in_the_table_and_in_json(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text(TEXT)
    table = CliRunner().invoke(app, ["metrics", str(path)]).stdout.splitlines()
    told = json.loads(CliRunner().invoke(app, ["metrics", str(path), "--json"]).stdout)
    assert [line.split()[0] for line in table] == ["epoch", "0", "1"]
    assert [epoch["epoch"] for epoch in told] == [0, 1]
    assert told[1]["train_loss"] is None  # a loss that is no number


def test_a_log_that_unfolds_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "job.log.gz"
    path.write_bytes(gzip.compress(bytes(100_000)))
    monkeypatch.setattr(limits, "MOST_LOG", 50_000)
    with pytest.raises(SagesegError, match=r"job\.log\.gz: cannot be read \(over 50,000 bytes unpacked\); expected"):
        epochs_of_file(path)

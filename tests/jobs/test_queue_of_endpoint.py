"""One request to an asynchronous endpoint's queue: what is put, waited for and deleted, and when waiting ends."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aws.errors import AwsError
from formats.errors import SagesegError
from jobs.endpoints import queued
from jobs.endpoints.invocations import is_transient
from jobs.endpoints.queued import Queue
from jobs.endpoints.stores import FolderStore
from jobs.prediction.stages import in_order


class Runtime:
    """SageMaker Runtime that answers by writing `name`, or writes nothing; it tells of `told`."""

    def __init__(self, root: Path, name: str = "", content: bytes = b"mask", told: str = "1.out") -> None:
        self.root, self.name, self.content, self.told = root, name, content, told
        self.asked: list[dict[str, Any]] = []
        self.seen = b""

    def invoke_endpoint_async(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        self.seen = Path(asked["InputLocation"].removeprefix("file://")).read_bytes()
        if self.name:
            (self.root / self.name).parent.mkdir(exist_ok=True)
            (self.root / self.name).write_bytes(self.content)
        return {
            "OutputLocation": f"{self.root.as_uri()}/{self.told}",
            "FailureLocation": f"{self.root.as_uri()}/failed/{self.told}",
        }


def queue(root: Path) -> Queue:
    root.mkdir()
    return Queue(root.as_uri(), FolderStore(root), 0.001, lambda: None)


def left(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_an_image_is_put_asked_about_and_gone_with_its_answer(tmp_path: Path) -> None:
    ours = queue(tmp_path / "a")
    runtime = Runtime(tmp_path / "a", "1.out")
    assert ours.ask(runtime, "cars", b"jpeg", "image/png") == b"mask"
    assert (runtime.seen, left(tmp_path / "a")) == (b"jpeg", [])
    (asked,) = runtime.asked
    assert (asked["EndpointName"], asked["ContentType"], asked["Accept"]) == ("cars", "image/jpeg", "image/png")


@pytest.mark.parametrize(
    ("said", "again"),
    [
        (b'Received server error (500) from primary with message "busy"', True),
        (b'Received client error (406) from primary with message "no"', False),
        (b"\xff" * 9000, False),
    ],
)
def test_a_failure_is_the_models_and_gone_when_it_is_read(tmp_path: Path, said: bytes, again: bool) -> None:
    with pytest.raises(AwsError) as raised:
        queue(tmp_path / "a").ask(Runtime(tmp_path / "a", "failed/1.out", said), "cars", b"jpeg", "image/png")
    assert (raised.value.code, is_transient(raised.value)) == ("ModelError", again)
    assert len(str(raised.value)) < 600
    assert left(tmp_path / "a") == []


def test_an_endpoint_that_answers_elsewhere_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"/b/1\.out: not below file://.*/a, where this endpoint is configured to"):
        queue(tmp_path / "a").ask(Runtime(tmp_path / "b"), "cars", b"jpeg", "image/png")
    assert left(tmp_path / "a") == []


def test_answers_of_an_endpoint_that_went_are_not_waited_for(tmp_path: Path) -> None:
    def check() -> None:
        raise SagesegError("endpoint cars: not there")

    ours = replace(queue(tmp_path / "a"), pause=1e-5, check_there=check)
    with pytest.raises(SagesegError, match="^endpoint cars: not there$"):
        ours.ask(Runtime(tmp_path / "a"), "cars", b"jpeg", "image/png")
    assert left(tmp_path / "a") == []


def test_what_cannot_be_deleted_costs_no_answer_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any) -> None:
        raise SagesegError("s3://cars/1.out: cannot be deleted (AccessDenied)")

    monkeypatch.setattr(FolderStore, "delete", refuse)
    assert queue(tmp_path / "a").ask(Runtime(tmp_path / "a", "1.out"), "cars", b"jpeg", "image/png") == b"mask"
    (note,) = capsys.readouterr().err.splitlines()
    assert "keeps what was sent and answered (s3://cars/1.out: cannot be deleted (AccessDenied)); sageseg" in note


def test_waiting_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = iter([0.0, 10_000.0])
    monkeypatch.setattr(queued, "monotonic", lambda: next(hours))
    with pytest.raises(SagesegError, match="endpoint cars: no answer within 75 minutes; sageseg jobs leftovers tells"):
        queue(tmp_path / "a").ask(Runtime(tmp_path / "a"), "cars", b"jpeg", "image/png")


def test_predictions_that_are_closed_early_wait_for_no_answer(tmp_path: Path) -> None:
    """The first comes, the second never does, and is not waited for."""
    ours = queue(tmp_path / "a")
    begun = threading.Event()

    def ask(number: int) -> bytes:
        if number:
            begun.set()
        runtime = Runtime(tmp_path / "a", told="2.out") if number else Runtime(tmp_path / "a", "1.out")
        return ours.ask(runtime, "cars", b"jpeg", "image/png")

    predicting = in_order(ask, range(2), threads=2, give_up=ours.given_up.set)
    assert next(predicting) == b"mask"
    begun.wait()
    predicting.close()
    assert left(tmp_path / "a") == []

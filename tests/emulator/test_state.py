"""What the emulator remembers: many jobs, a crash in the middle of one, a spoilt database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from os import getpid
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from jobs.emulator.host.container import Programs, kill_survivor, start_container
from jobs.emulator.host.guard import _Guard
from jobs.emulator.host.rehearsal import Rehearsal, TrainingTrouble
from jobs.emulator.host.storage import Storage, open_s3
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.server import running_server
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.state import State
from jobs.emulator.training.record import TRAINING_JOBS, begin_stopping, finish, new_record
from jobs.emulator.training.run import TrainingRun
from tests.support.emulator_setup import (
    SLEEPS,
    client,
    create_model,
    emulator,
    is_alive,
    killable_emulator,
    messages,
    programs,
    request,
    wait_for_line,
    wait_until,
)


def test_after_a_crash_the_job_is_failed_and_its_container_ended(tmp_path: Path) -> None:
    """With what it has started, and at once: no next server is needed for that."""
    source = (
        "import os, subprocess, sys\nmore = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    )
    programs(tmp_path, f"{source}print(os.getpid(), more.pid)\n{SLEEPS}")
    with killable_emulator(tmp_path) as (url, server):
        with client("sagemaker", url) as sagemaker, client("logs", url) as logs:
            sagemaker.create_training_job(**request(tmp_path))
            wait_for_line(logs, "waiting")
            told = messages(logs)[0]
        numbers = [int(word) for word in told.split()]
        assert [is_alive(number) for number in numbers] == [True, True]
        server.kill()
        server.wait()
        wait_until(lambda: not any(is_alive(number) for number in numbers))
    with emulator(tmp_path) as (sagemaker, logs, _):
        described = sagemaker.describe_training_job(TrainingJobName="job")
        assert messages(logs) == [told, "waiting"]
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Failed", "Failed")
    assert described["FailureReason"].startswith("InternalServerError: the emulator ended while the job was running")


def has_ended(number: int) -> bool:
    return not is_alive(number)


def test_a_guard_that_was_killed_is_replaced(tmp_path: Path) -> None:
    guard = _Guard()
    for number in (2**22 + 1, 2**22 + 2):  # of no process
        guard.begin(number)
        first = guard._process
        assert first is not None
        first.kill()
        wait_until(partial(has_ended, first.pid))
    guard.end(2**22 + 1)
    assert guard._groups == {2**22 + 2}
    assert guard._process is not None
    assert guard._process is not first
    guard._process.communicate()
    assert guard._process.returncode == 0


def test_what_survived_even_so_is_ended_by_the_next_server(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"]
    ) as outsider:  # holds no lock, whatever number stands in the file
        (tmp_path / "container.lock").write_text(str(outsider.pid))
        kill_survivor(tmp_path)
        assert is_alive(outsider.pid)
        outsider.kill()
    container = start_container([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, {})
    kill_survivor(tmp_path)
    assert list(container.lines()) == []
    assert container.wait() == 137
    assert container.ending().startswith("ended by SIGKILL")


def test_after_a_crash_endpoints_come_back_and_batches_are_failed(tmp_path: Path) -> None:
    serve = """
import os
def answer(path, headers, body):
    if body == b"sleep":
        print(os.getpid())
        time.sleep(60)
    return 200, {}, str(os.getpid()).encode()
"""
    programs(tmp_path, serve=serve)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"sleep")
    with killable_emulator(tmp_path) as (url, server):
        with client("sagemaker", url) as sagemaker, client("sagemaker-runtime", url) as runtime:
            create_model(sagemaker, tmp_path)
            variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.c5.xlarge"}
            sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
            sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
            wait_until(lambda: status_of(sagemaker) == "InService")
            number = int(runtime.invoke_endpoint(EndpointName="endpoint", Body=b"")["Body"].read())
            sagemaker.create_transform_job(**batch(tmp_path))
            with client("logs", url) as logs:
                wait_until(lambda: len(numbers_in(logs)) == 1)
                (batch_number,) = numbers_in(logs)
        assert is_alive(number)
        assert is_alive(batch_number)
        server.kill()
        server.wait()
        wait_until(lambda: not is_alive(number) and not is_alive(batch_number))
    with (
        emulator(tmp_path, serve=serve) as (sagemaker, _, again),
        client("sagemaker-runtime", again.url) as runtime,
    ):
        assert int(runtime.invoke_endpoint(EndpointName="endpoint", Body=b"")["Body"].read()) != number
        described = sagemaker.describe_transform_job(TransformJobName="batch")
    assert (described["TransformJobStatus"], "the emulator ended" in described["FailureReason"]) == ("Failed", True)


def status_of(sagemaker: Any) -> str:
    status: str = sagemaker.describe_endpoint(EndpointName="endpoint")["EndpointStatus"]
    return status


def batch(folder: Path) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": (folder / "in").as_uri()}}
    return {
        "TransformJobName": "batch",
        "ModelName": "model",
        "TransformInput": {"DataSource": source},
        "TransformOutput": {"S3OutputPath": (folder / "predicted").as_uri()},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


def numbers_in(logs: Any) -> list[int]:
    """The process numbers that batch containers logged."""
    group = "/aws/sagemaker/TransformJobs"
    try:
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    names = [stream["logStreamName"] for stream in streams]
    events = [logs.get_log_events(logGroupName=group, logStreamName=name)["events"] for name in names]
    return [int(event["message"]) for found in events for event in found if event["message"].isdecimal()]


def test_a_job_that_was_stopping_when_the_server_crashed_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "home" / "emulator").mkdir(parents=True)
    state = State(tmp_path / "home" / "emulator" / "state.sqlite")
    store_jobs(state, tmp_path, ["job"])
    Collection(state, TRAINING_JOBS).change("job", begin_stopping)
    state.close()
    with emulator(tmp_path) as (sagemaker, _, _):
        assert sagemaker.describe_training_job(TrainingJobName="job")["TrainingJobStatus"] == "Stopped"


def store_jobs(state: State, folder: Path, names: list[str]) -> Collection:
    asked, jobs = request(folder), Collection(state, TRAINING_JOBS)
    for number, name in enumerate(names):
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
        jobs.add(new_record(asked | {"TrainingJobName": name}, arn, 1000.0 + number % 7), asked)
    return jobs


def test_a_stop_that_comes_before_the_run_is_heeded(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite")
    jobs = store_jobs(state, tmp_path, ["job"])
    jobs.change("job", begin_stopping)
    record = jobs.get("job", "").record
    storage, rehearsal = Storage(open_s3), Rehearsal(tmp_path / "rehearsal.yaml")
    place = Workplace(tmp_path, state, storage, rehearsal, Programs(must_not_run, must_not_run, must_not_run), 1.0)
    TrainingRun(place, jobs, record, "ml.m5.large", TrainingTrouble()).run()
    assert jobs.get("job", "").status == "Stopped"
    state.close()


def must_not_run(_root: Path) -> list[str]:
    raise AssertionError("the container was started")


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("column", ["Name", "CreationTime", "Status"])
def test_pages_hold_every_job_once(tmp_path: Path, column: str, order: str) -> None:
    state = State(tmp_path / "state.sqlite")
    names = [f"job-{number:04}" for number in range(300)]
    jobs = store_jobs(state, tmp_path, names)
    found: list[str] = []
    asked: dict[str, Any] = {"MaxResults": 99, "SortBy": column, "SortOrder": order}
    while True:
        answer = jobs.page(asked, "us-east-1")
        found += [summary["TrainingJobName"] for summary in answer["TrainingJobSummaries"]]
        if "NextToken" not in answer:
            break
        asked["NextToken"] = answer["NextToken"]
    state.close()
    assert sorted(found) == names
    if column == "Name":
        assert found == sorted(names, reverse=order == "Descending")


def test_status_is_filtered_after_the_page_was_cut(tmp_path: Path) -> None:
    """As ListTrainingJobs documents it: a page may be empty and still have a next one."""
    state = State(tmp_path / "state.sqlite")
    jobs = store_jobs(state, tmp_path, ["a", "b", "c"])
    jobs.change("c", lambda record, now: finish(record, "Failed", now))
    answer = jobs.page({"StatusEquals": "Failed", "MaxResults": 2, "SortBy": "Name", "SortOrder": "Ascending"}, "")
    state.close()
    assert answer["TrainingJobSummaries"] == []
    assert "NextToken" in answer


def test_two_servers_cannot_have_one_home(tmp_path: Path) -> None:
    with running_server(tmp_path) as first, pytest.raises(SagesegError) as refused, running_server(tmp_path):
        pass
    told = f"{tmp_path}: another emulator serves it already, at {first.url}; use it, or end it: kill {getpid()}"
    assert str(refused.value) == told


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with running_server(tmp_path / "a") as first:
        port = int(first.url.rpartition(":")[2])
        with (
            pytest.raises(SagesegError, match=f"127.0.0.1:{port}: cannot listen there"),
            running_server(tmp_path / "b", port=port),
        ):
            pass


def test_a_warning_before_other_machines_are_let_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_server(tmp_path, host="0.0.0.0") as server:
        assert server.url.startswith("http://127.0.0.1:")
    assert capsys.readouterr().err.startswith("warning: 0.0.0.0 can be reached from other machines")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda _: b"not a database" * 100,
    "one byte": lambda _: b"x",
    "cut to nothing": lambda _: b"",
    "cut to a page": lambda whole: whole[:4096],
    "cut in its header": lambda whole: whole[:50],
    "version of nothing": lambda whole: whole[:60] + bytes(4) + whole[64:],
    "of a later version": lambda whole: whole[:63] + b"\x63" + whole[64:],
    "a format that is none": lambda whole: whole[:47] + b"\xff" + whole[48:],
    "entries of its index": lambda whole: whole.replace(b"Completed", b"Complexed", 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_and_left_as_it_is(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.sqlite"
    state = State(path)
    jobs = store_jobs(state, tmp_path, ["a", "b"])
    jobs.change("a", lambda record, now: finish(record, "Completed", now))
    state.close()
    damaged = DAMAGES[damage](path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(SagesegError, match=r"state\.sqlite: cannot be read as the emulator's state .*; remove it to"):
        State(path)
    assert path.read_bytes() == damaged


def test_a_state_that_was_removed_is_begun_anew_without_what_its_journal_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    state = State(path)
    store_jobs(state, tmp_path, ["a"])
    kept = path.with_name("state.sqlite-wal").read_bytes()
    state.close()
    path.unlink()
    path.with_name("state.sqlite-wal").write_bytes(kept)
    state = State(path)
    assert state.select("kind = kind", ()) == []
    state.close()

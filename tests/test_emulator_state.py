"""What the emulator remembers: many jobs, a crash in the middle of one, a spoilt database."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from emulator_setup import SLEEPS, client, emulator, messages, program, request, wait_for_line, wait_until

from formats.errors import SagesegError
from jobs.emulator.server import running_server
from jobs.emulator.state import Resource, State
from jobs.emulator.storage import Storage, open_s3
from jobs.emulator.training import TrainingJobs
from jobs.emulator.training_record import KIND, begin_stopping, finish, new_record
from jobs.emulator.training_run import TrainingRun, Workplace, change_record

SERVER = """
import sys, threading
from pathlib import Path
from jobs.emulator.server import running_server
command = lambda root: [sys.executable, "-I", "-u", sys.argv[2], str(root)]
with running_server(Path(sys.argv[1]), command=command) as server:
    print(server.url, flush=True)
    threading.Event().wait()
"""


def test_after_a_crash_the_job_is_failed_and_its_container_ended(tmp_path: Path) -> None:
    source = f"import os\nprint(os.getpid())\n{SLEEPS}"
    program(tmp_path, source)
    arguments = [sys.executable, "-c", SERVER, str(tmp_path / "home"), str(tmp_path / "program.py")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with client("sagemaker", url) as sagemaker, client("logs", url) as logs:
            sagemaker.create_training_job(**request(tmp_path))
            wait_for_line(logs, "waiting")
            number = int(messages(logs)[0])
        server.send_signal(signal.SIGKILL)
        server.wait()
    assert is_alive(number)
    with emulator(tmp_path) as (sagemaker, logs, _):
        described = sagemaker.describe_training_job(TrainingJobName="job")
        assert messages(logs) == [str(number), "waiting"]
    wait_until(lambda: not is_alive(number))
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Failed", "Failed")
    assert described["FailureReason"].startswith("InternalServerError: the emulator ended while the job was running")


def is_alive(number: int) -> bool:
    """Whether a process runs; one that ended and that nobody has waited for does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/stat")
    return not (status.exists() and status.read_text().rpartition(") ")[2].startswith("Z"))


def test_a_job_that_was_stopping_when_the_server_crashed_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "home" / "emulator").mkdir(parents=True)
    state = State(tmp_path / "home" / "emulator" / "state.sqlite")
    store_jobs(state, tmp_path, ["job"])
    change_record(state, "job", begin_stopping)
    state.close()
    with emulator(tmp_path) as (sagemaker, _, _):
        assert sagemaker.describe_training_job(TrainingJobName="job")["TrainingJobStatus"] == "Stopped"


def store_jobs(state: State, folder: Path, names: list[str]) -> None:
    asked = request(folder)
    for number, name in enumerate(names):
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
        record = new_record(asked | {"TrainingJobName": name}, arn, 1000.0 + number % 7)
        assert state.insert(Resource(KIND, name, arn, "InProgress", 1000.0 + number % 7, 1000.0, record, []))


def test_a_stop_that_comes_before_the_run_is_heeded(tmp_path: Path) -> None:
    state = State(tmp_path / "state.sqlite")
    store_jobs(state, tmp_path, ["job"])
    change_record(state, "job", begin_stopping)
    record = request(tmp_path) | {"StoppingCondition": {"MaxRuntimeInSeconds": 9}}
    TrainingRun(Workplace(tmp_path, state, Storage(open_s3), must_not_run, 1.0), record).run()
    resource = state.get(KIND, "job")
    state.close()
    assert resource is not None
    assert resource.status == "Stopped"


def must_not_run(_root: Path) -> list[str]:
    raise AssertionError("the container was started")


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("column", ["Name", "CreationTime", "Status"])
def test_pages_hold_every_job_once(tmp_path: Path, column: str, order: str) -> None:
    state = State(tmp_path / "state.sqlite")
    names = [f"job-{number:04}" for number in range(300)]
    store_jobs(state, tmp_path, names)
    found: list[str] = []
    asked: dict[str, Any] = {"MaxResults": 99, "SortBy": column, "SortOrder": order}
    listing = TrainingJobs(state, None, None).list_training_jobs  # type: ignore[arg-type]
    while True:
        answer = listing(asked, "us-east-1")
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
    store_jobs(state, tmp_path, ["a", "b", "c"])
    change_record(state, "c", lambda record, now: finish(record, "Failed", now))
    listing = TrainingJobs(state, None, None).list_training_jobs  # type: ignore[arg-type]
    answer = listing({"StatusEquals": "Failed", "MaxResults": 2, "SortBy": "Name", "SortOrder": "Ascending"}, "")
    state.close()
    assert answer["TrainingJobSummaries"] == []
    assert "NextToken" in answer


def test_two_servers_cannot_have_one_home(tmp_path: Path) -> None:
    with running_server(tmp_path) as first, pytest.raises(SagesegError) as refused, running_server(tmp_path):
        pass
    assert str(refused.value) == f"{tmp_path}: another emulator serves it already, at {first.url}"


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


@pytest.mark.parametrize("version", [None, 99], ids=["no database", "of a later version"])
def test_state_that_cannot_be_read(tmp_path: Path, version: int | None) -> None:
    path = tmp_path / "state.sqlite"
    if version is None:
        path.write_bytes(b"not a database" * 100)
    else:
        with sqlite3.connect(path) as database:
            database.execute(f"PRAGMA user_version = {version}")
        database.close()
    with pytest.raises(SagesegError, match=r"state\.sqlite: cannot be read as the emulator's state"):
        State(path)

"""Processing jobs, seen by an unmodified boto3 client: their life, their hosts, and how they end."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from jobs.emulator.host.container import Programs, start_container
from jobs.emulator.host.rehearsal import ProcessingTrouble, Rehearsal
from jobs.emulator.host.storage import Storage, open_s3
from jobs.emulator.host.workplace import Workplace
from jobs.emulator.processing.operations import ProcessingJobs
from jobs.emulator.processing.record import PROCESSING_JOBS, new_record
from jobs.emulator.processing.run import ProcessingRun, processing_folder
from jobs.emulator.store.collection import Collection
from jobs.emulator.store.job_records import begin_stopping
from jobs.emulator.store.state import State
from tests.support.emulator_setup import (
    ROLE,
    client,
    emulator,
    is_alive,
    killable_emulator,
    programs,
    rehearse,
    wait_until,
)
from tests.support.processing_setup import (
    LOG_GROUP,
    STOCK_IMAGE,
    TELLS,
    asked,
    describe,
    fill,
    log_of,
    process,
    source,
    target,
    wait_for_end,
)

FAILS_ON_SECOND = """
import json, os, signal, time
host = json.loads((root / "config" / "resourceconfig.json").read_text())["current_host"]
ready = Path(os.environ["READY"])
(root / "processing" / "out" / f"{host}.txt").write_text("begun")
(root / "output" / "message").write_text(f"{host} said so. ")
if host == "algo-2":
    while not ready.exists():
        time.sleep(0.01)
    END
signal.signal(signal.SIGTERM, lambda *_: (print("asked to end"), sys.exit(0)))
ready.touch()
time.sleep(60)
"""
SLEEPS = """
import os, signal, time
print("number", os.getpid(), flush=True)
(root / "processing" / "out" / "half.txt").write_text("half")
time.sleep(60)
"""


def told(folder: Path, host: str) -> Any:
    """What the program of a host told."""
    return json.loads((folder / "out" / f"{host}.json").read_text())


def test_three_hosts_share_a_job(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg", "b/c.jpg")
    with emulator(tmp_path, process=TELLS) as (sagemaker, logs, _):
        made = sagemaker.create_processing_job(
            **asked(tmp_path, count=3, Tags=[{"Key": "project", "Value": "sageseg"}], Environment={"SHADE": "dark"})
        )
        described = wait_for_end(sagemaker)
        tags = sagemaker.list_tags(ResourceArn=made["ProcessingJobArn"])["Tags"]
        streams = logs.describe_log_streams(logGroupName=LOG_GROUP)["logStreams"]
        lines = [log_of(logs, f"algo-{number}") for number in (1, 2, 3)]
    assert made["ProcessingJobArn"] == "arn:aws:sagemaker:eu-central-1:123456789012:processing-job/process"
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ExitMessage"] == "algo-1 done. algo-2 done. algo-3 done. "
    assert described["CreationTime"] <= described["ProcessingStartTime"] <= described["ProcessingEndTime"]
    assert described["ProcessingInputs"][0]["S3Input"]["S3DataDistributionType"] == "FullyReplicated"
    assert described["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}
    assert tags == [{"Key": "project", "Value": "sageseg"}]
    assert [re.sub(r"-\d+$", "", stream["logStreamName"]) for stream in streams] == [
        "process/algo-1",
        "process/algo-2",
        "process/algo-3",
    ]
    assert lines == [["worked on 2"]] * 3
    configs = [told(tmp_path, f"algo-{number}")["config"] for number in (1, 2, 3)]
    assert [config["current_host"] for config in configs] == ["algo-1", "algo-2", "algo-3"]
    assert {tuple(config["hosts"]) for config in configs} == {("algo-1", "algo-2", "algo-3")}
    assert configs[0]["instance_groups"] == [
        {
            "instance_group_name": "homogeneousCluster",
            "instance_type": "ml.m5.large",
            "hosts": ["algo-1", "algo-2", "algo-3"],
        }
    ]
    assert not (tmp_path / "home/emulator/processing-jobs/process/algo-1").exists()


def test_a_container_finds_its_job_and_its_variables(tmp_path: Path) -> None:
    shows = """
import json, os
job = json.loads((root / "config" / "processingjobconfig.json").read_text())
names = ("SHADE", "PLACE", "SAGESEG_OPT_ML")
job["_variables"] = {name: os.environ[name] for name in names}
(root / "processing" / "out" / "job.json").write_text(json.dumps(job))
"""
    fill(tmp_path, "a.jpg")
    variables = {"SHADE": "dark", "PLACE": "/opt/ml/processing/in"}
    with emulator(tmp_path, process=shows) as (sagemaker, _, _):
        described = process(sagemaker, tmp_path, Environment=variables)
    job = json.loads((tmp_path / "out" / "job.json").read_text())
    seen = job.pop("_variables")
    assert described["ProcessingJobStatus"] == "Completed"
    assert (job["ProcessingJobName"], job["RoleArn"], job["Environment"]) == ("process", ROLE, variables)
    assert job["ProcessingJobArn"] == described["ProcessingJobArn"]
    assert job["ProcessingOutputConfig"]["Outputs"] == [target((tmp_path / "out").as_uri())]
    assert seen["SHADE"] == "dark"
    assert seen["PLACE"] == f"{seen['SAGESEG_OPT_ML']}/processing/in"


def test_a_script_runs_by_this_python_in_any_image(tmp_path: Path) -> None:
    script = tmp_path / "code" / "work.py"
    script.parent.mkdir()
    script.write_text(
        "import sys\nfrom pathlib import Path\nprint(sys.argv[3])\n"
        "Path(sys.argv[2], 'found.txt').write_text(Path(sys.argv[1], 'a.jpg').read_text())\n"
    )
    fill(tmp_path, "a.jpg")
    places = ["/opt/ml/processing/in", "/opt/ml/processing/out", "s3://bucket/opt/ml"]
    application = {
        "ImageUri": STOCK_IMAGE,
        "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/work.py"],
        "ContainerArguments": places,
    }
    code = source(script.as_uri(), "input/code")
    with emulator(tmp_path) as (sagemaker, logs, _):
        given = [source((tmp_path / "in").as_uri()), code | {"InputName": "code"}]
        described = process(sagemaker, tmp_path, AppSpecification=application, ProcessingInputs=given)
        lines = log_of(logs)
    assert (described["ProcessingJobStatus"], lines) == ("Completed", ["s3://bucket/opt/ml"])
    assert (tmp_path / "out" / "found.txt").read_text() == "a.jpg"
    assert script.exists()


def test_a_script_of_fixed_paths_is_told_so(tmp_path: Path) -> None:
    fill(tmp_path, "a.jpg")
    fixed = 'open("/".join(["", "opt", "ml", "processing", "in", "a.jpg"]))'  # as a script's file has it
    application = {"ImageUri": STOCK_IMAGE, "ContainerEntrypoint": ["python3.11", "-c", fixed]}
    with emulator(tmp_path) as (sagemaker, _, _):
        described = process(sagemaker, tmp_path, AppSpecification=application)
    assert described["FailureReason"] == (
        "AlgorithmError: its log names /opt/ml, which is the folder in SAGESEG_OPT_ML here; let the script take its "
        "paths from its arguments, exit code: 1"
    )


def test_our_image_runs_the_command(tmp_path: Path) -> None:
    """The programs of the tests stand in for it: they get the arguments, with the tree in place of /opt/ml."""
    fill(tmp_path, "a.jpg")
    with emulator(tmp_path, process=TELLS) as (sagemaker, _, _):
        for name, entrypoint in (("plain", {}), ("named", {"ContainerEntrypoint": ["sageseg", "prep"]})):
            application = {
                "ImageUri": "1.dkr.ecr.eu-central-1.amazonaws.com/sageseg:2",
                "ContainerArguments": ["--out=/opt/ml/processing/out"],
            }
            process(sagemaker, tmp_path, name, AppSpecification=application | entrypoint)
            arguments = told(tmp_path, "algo-1")["arguments"]
            root = tmp_path / "home/emulator/processing-jobs" / name / "algo-1/ml"
            assert arguments == [*entrypoint.get("ContainerEntrypoint", [])[1:], f"--out={root}/processing/out"]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("sys.exit(3)", "AlgorithmError: algo-2, exit code: 3"),
        ("raise ValueError('broken')", "AlgorithmError: algo-2, exit code: 1"),
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            "AlgorithmError: algo-2: ended by SIGSEGV: a crash inside a library, exit code: 139",
        ),
    ],
)
def test_one_host_that_fails_ends_the_job(tmp_path: Path, end: str, reason: str) -> None:
    fill(tmp_path)
    behaves = FAILS_ON_SECOND.replace("END", end)
    with emulator(tmp_path, process=behaves) as (sagemaker, logs, _):
        described = process(sagemaker, tmp_path, count=2, Environment={"READY": str(tmp_path / "ready")})
        first = log_of(logs, "algo-1")
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"] == reason
    assert described["ExitMessage"] == "algo-1 said so. algo-2 said so. "
    assert first == ["asked to end"]
    assert not (tmp_path / "out").exists()


def test_a_host_alone_is_not_named(tmp_path: Path) -> None:
    fill(tmp_path)
    with emulator(tmp_path, process="sys.exit(4)") as (sagemaker, _, _):
        assert process(sagemaker, tmp_path)["FailureReason"] == "AlgorithmError: , exit code: 4"


def test_a_job_is_stopped_once(tmp_path: Path) -> None:
    fill(tmp_path)
    outputs = [target((tmp_path / "out").as_uri())]
    with emulator(tmp_path, process=SLEEPS) as (sagemaker, logs, _):
        sagemaker.create_processing_job(**asked(tmp_path, count=2, ProcessingOutputConfig={"Outputs": outputs}))
        wait_until(lambda: bool(log_of(logs, "algo-1") and log_of(logs, "algo-2")))
        numbers = [int(log_of(logs, host)[0].split()[1]) for host in ("algo-1", "algo-2")]
        with pytest.raises(ClientError, match=r"ResourceInUse.*is in status InProgress"):
            sagemaker.delete_processing_job(ProcessingJobName="process")
        sagemaker.stop_processing_job(ProcessingJobName="process")
        described = wait_for_end(sagemaker)
        with pytest.raises(ClientError, match="rejected because the processing job is in status Stopped"):
            sagemaker.stop_processing_job(ProcessingJobName="process")
    assert described["ProcessingJobStatus"] == "Stopped"
    assert "FailureReason" not in described
    assert [is_alive(number) for number in numbers] == [False, False]
    assert not (tmp_path / "out").exists()


def test_a_job_that_lasts_too_long_is_stopped(tmp_path: Path) -> None:
    fill(tmp_path)
    with emulator(tmp_path, process=SLEEPS, grace_seconds=0.1) as (sagemaker, _, _):
        described = process(sagemaker, tmp_path, count=2, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (described["ProcessingJobStatus"], described.get("FailureReason")) == ("Stopped", None)


def test_a_job_that_is_stopped_before_it_starts_starts_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    rehearse(tmp_path, {"processing_jobs": {"process": {"start_seconds": 60}}})
    with emulator(tmp_path, process=SLEEPS) as (sagemaker, logs, _):
        sagemaker.create_processing_job(**asked(tmp_path))
        sagemaker.stop_processing_job(ProcessingJobName="process")
        described = wait_for_end(sagemaker)
        assert log_of(logs) == []
    assert described["ProcessingJobStatus"] == "Stopped"
    assert "ProcessingStartTime" not in described


def test_jobs_are_listed_and_forgotten(tmp_path: Path) -> None:
    fill(tmp_path)
    with emulator(tmp_path, process='print("worked")') as (sagemaker, logs, _):
        for name in ("one", "two", "three"):
            process(sagemaker, tmp_path, name)
        fails = {"ImageUri": STOCK_IMAGE, "ContainerEntrypoint": ["python3", "-c", "1/0"]}
        process(sagemaker, tmp_path, "bad", AppSpecification=fails)
        pages = {"SortBy": "Name", "SortOrder": "Ascending", "StatusEquals": "Completed", "MaxResults": 2}
        listed = sagemaker.list_processing_jobs(**pages)
        rest = sagemaker.list_processing_jobs(**pages, NextToken=listed["NextToken"])
        (bad,) = sagemaker.list_processing_jobs(NameContains="ba")["ProcessingJobSummaries"]
        with pytest.raises(ClientError, match=r"ResourceInUse.*already exists \(arn:aws:.*processing-job/one\)"):
            sagemaker.create_processing_job(**asked(tmp_path, "one"))
        sagemaker.delete_processing_job(ProcessingJobName="one")
        assert log_of(logs, name="one") == []
        with pytest.raises(ClientError, match=r"ValidationException.*Could not find requested job with name: one"):
            describe(sagemaker, "one")
        with pytest.raises(ClientError, match="ResourceNotFound"):
            sagemaker.delete_processing_job(ProcessingJobName="one")
        again = process(sagemaker, tmp_path, "one")
    names = [job["ProcessingJobName"] for job in listed["ProcessingJobSummaries"] + rest["ProcessingJobSummaries"]]
    assert names == ["one", "three", "two"]
    assert bad["FailureReason"] == "AlgorithmError: , exit code: 1"
    assert again["ProcessingJobStatus"] == "Completed"


@pytest.mark.parametrize(
    ("writes", "status", "message"),
    [
        ('.write_text("größer")', "Completed", "größer"),
        ('.write_bytes(b"x" * 1023 + "ö".encode())', "Completed", "x" * 1023),
        ('.write_bytes(b"bad \\xff")', "Failed", None),
        (".mkdir()", "Completed", None),
    ],
)
def test_a_message_is_told_or_fails_the_job(tmp_path: Path, writes: str, status: str, message: str | None) -> None:
    fill(tmp_path)
    with emulator(tmp_path, process=f'(root / "output" / "message"){writes}') as (sagemaker, _, _):
        described = process(sagemaker, tmp_path)
    assert (described["ProcessingJobStatus"], described.get("ExitMessage")) == (status, message)
    if status == "Failed":
        assert described["FailureReason"].startswith("ClientError: /opt/ml/output/message of algo-1 is not UTF-8")


def test_a_job_whose_emulator_was_killed_is_settled_by_the_next(tmp_path: Path) -> None:
    fill(tmp_path)
    programs(tmp_path, process=SLEEPS)
    with (
        killable_emulator(tmp_path) as (url, server),
        client("sagemaker", url) as sagemaker,
        client("logs", url) as logs,
    ):
        sagemaker.create_processing_job(**asked(tmp_path, count=2))
        wait_until(lambda: bool(log_of(logs, "algo-1") and log_of(logs, "algo-2")))
        numbers = [int(log_of(logs, host)[0].split()[1]) for host in ("algo-1", "algo-2")]
        server.send_signal(signal.SIGKILL)
        server.wait()
        wait_until(lambda: not any(map(is_alive, numbers)))
    with emulator(tmp_path) as (sagemaker, _, _):
        described = describe(sagemaker)
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"] == "InternalServerError: the emulator ended while the job was running"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """What jobs need that nobody serves."""

    def must_not_run(_root: Path) -> list[str]:
        raise AssertionError("a container was started")

    fill(tmp_path)
    with closing(State(tmp_path / "state.sqlite")) as state:
        none = Programs(must_not_run, must_not_run, must_not_run)
        yield Workplace(tmp_path, state, Storage(open_s3), Rehearsal(tmp_path / "none.yaml"), none, 1.0)


def stored(place: Workplace) -> tuple[Collection, dict[str, Any]]:
    """The jobs of a state that holds one of two hosts, and its record."""
    request, jobs = asked(place.folder, count=2), Collection(place.state, PROCESSING_JOBS)
    record = new_record(request, "arn:aws:sagemaker:us-east-1:123456789012:processing-job/process", 1000.0)
    jobs.add(record, request)
    return jobs, record


def test_a_stop_that_comes_before_the_run_is_heeded(place: Workplace) -> None:
    jobs, record = stored(place)
    jobs.change("process", lambda record, _: begin_stopping(record, PROCESSING_JOBS))
    ProcessingRun(place, jobs, record, "ml.m5.large", ProcessingTrouble()).run()
    assert jobs.get("process", "").status == "Stopped"


def test_containers_that_outlived_their_emulator_are_ended(place: Workplace) -> None:
    jobs, _ = stored(place)
    left = []
    for host in ("algo-1", "algo-2"):
        folder = processing_folder(place.folder, "process") / host
        folder.mkdir(parents=True)
        left.append(start_container(["sleep", "60"], folder, {}))
    ProcessingJobs(place).recover()
    assert [([*container.lines()], container.wait()) for container in left] == [([], 128 + signal.SIGKILL)] * 2
    assert jobs.get("process", "").record["FailureReason"].startswith("InternalServerError: ")


def test_an_emulator_that_ends_fails_what_runs(tmp_path: Path) -> None:
    fill(tmp_path)
    with emulator(tmp_path, process=SLEEPS) as (sagemaker, logs, server):
        sagemaker.create_processing_job(**asked(tmp_path, count=2))
        wait_until(lambda: bool(log_of(logs, "algo-2")))
        assert server.services.busy
    with emulator(tmp_path) as (sagemaker, _, _):
        described = describe(sagemaker)
    assert described["FailureReason"] == "InternalServerError: the emulator ended while the job was running"

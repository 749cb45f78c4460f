"""Training jobs in the emulator, seen by an unmodified boto3 client."""

from __future__ import annotations

import json
import re
import tarfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.emulator.host.container import Programs
from jobs.emulator.server import running_server
from tests.support.emulator_setup import (
    GOOD,
    ROLE,
    SLEEPS,
    client,
    emulator,
    messages,
    programs,
    rehearse,
    request,
    s3_with,
    wait_for_end,
    wait_for_line,
    wait_until,
)

HOUR = timedelta(hours=1)


def secondary_statuses(description: dict[str, Any]) -> list[str]:
    return [transition["Status"] for transition in description["SecondaryStatusTransitions"]]


def test_a_job_runs_to_its_artefact(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, logs, _):
        arn = sagemaker.create_training_job(**request(tmp_path))["TrainingJobArn"]
        described = wait_for_end(sagemaker)
        lines = messages(logs)
        tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert arn == "arn:aws:sagemaker:eu-central-1:123456789012:training-job/job"
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Completed", "Completed")
    assert secondary_statuses(described) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert described["RoleArn"] == ROLE
    assert described["HyperParameters"] == {"num_classes": "2", "num_training_samples": "4"}
    assert described["BillableTimeInSeconds"] >= 1
    assert described["CreationTime"] <= described["TrainingStartTime"] <= described["TrainingEndTime"]
    assert {metric["MetricName"]: metric["Value"] for metric in described["FinalMetricDataList"]} == {
        "train:loss": 0.25
    }
    assert lines == [f"#quality_metric. host: algo-1, epoch: {e}, train loss: {x} ." for e, x in ((0, 0.5), (1, 0.25))]
    assert tags == [{"Key": "project", "Value": "sageseg"}, {"Key": "größe", "Value": "klein"}]
    artefact = tmp_path / "out" / "job" / "output" / "model.tar.gz"
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == artefact.as_uri()
    with tarfile.open(artefact) as archive:
        assert archive.getnames() == ["weights"]


def test_the_container_finds_config_and_linked_channels(tmp_path: Path) -> None:
    source = """
import json
config = {file.stem: json.loads(file.read_text()) for file in (root / "input/config").iterdir()}
print(json.dumps(config))
print((root / "input/data/train").resolve())
print(sorted(folder.name for folder in root.iterdir()))
import os
print(os.environ["TRAINING_JOB_NAME"], os.environ["SHADE"])
"""
    with emulator(tmp_path, source) as (sagemaker, logs, _):
        sagemaker.create_training_job(**request(tmp_path, Environment={"SHADE": "blue"}))
        wait_for_end(sagemaker)
        config, train, folders, environment = messages(logs)
    files = json.loads(config)
    assert files["hyperparameters"] == {"num_classes": "2", "num_training_samples": "4"}
    assert files["inputdataconfig"]["train_annotation"] == {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
        "ContentType": "image/png",
    }
    assert files["resourceconfig"]["hosts"] == ["algo-1"]
    assert train == str((tmp_path / "data" / "train").resolve())
    assert folders == str(["checkpoints", "input", "model", "output"])
    assert environment == "job blue"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("sys.exit(3)", "AlgorithmError: , exit code: 3"),
        (
            '(root / "output/failure").write_text("no memory left\\n"); sys.exit(1)',
            "AlgorithmError: no memory left, exit code: 1",
        ),
        (
            '(root / "output/failure").write_text("ClientError: crop_size is 3"); sys.exit(1)',
            "ClientError: crop_size is 3",
        ),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "AlgorithmError: ended by SIGKILL: somebody ended it, or the system did, as it does when memory runs out, "
            "exit code: 137",
        ),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGBUS)",
            "AlgorithmError: ended by SIGBUS: most often because /dev/shm or the disk is full, exit code: 135",
        ),
    ],
    ids=["silent", "with a text", "with a class of its own", "killed", "crashed"],
)
def test_a_container_that_fails_gives_its_reason(tmp_path: Path, source: str, reason: str) -> None:
    with emulator(tmp_path, source) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path))
        described = wait_for_end(sagemaker)
    assert (described["TrainingJobStatus"], described["FailureReason"]) == ("Failed", reason)
    assert secondary_statuses(described) == ["Starting", "Downloading", "Training", "Failed"]
    assert not (tmp_path / "out").exists()


def test_a_stopped_job_keeps_the_model_it_left(tmp_path: Path) -> None:
    source = f"""
import signal
def leave(*_):
    (root / "model" / "weights").write_text("half")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
{SLEEPS}"""
    with emulator(tmp_path, source) as (sagemaker, logs, _):
        sagemaker.create_training_job(**request(tmp_path))
        wait_for_line(logs, "waiting")
        sagemaker.stop_training_job(TrainingJobName="job")
        described = wait_for_end(sagemaker)
        with pytest.raises(sagemaker.exceptions.ClientError, match="training job is in status Stopped"):
            sagemaker.stop_training_job(TrainingJobName="job")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert secondary_statuses(described)[2:] == ["Training", "Stopping", "Uploading", "Stopped"]
    assert (tmp_path / "out" / "job" / "output" / "model.tar.gz").exists()


def test_a_container_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    source = f"""
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
{SLEEPS}"""
    with emulator(tmp_path, source, grace_seconds=0.1) as (sagemaker, logs, _):
        sagemaker.create_training_job(**request(tmp_path))
        wait_for_line(logs, "waiting")
        sagemaker.stop_training_job(TrainingJobName="job")
        described = wait_for_end(sagemaker)  # would wait for the grandchild, which holds the log open
    assert described["TrainingJobStatus"] == "Stopped"
    assert not (tmp_path / "out").exists()


def test_a_job_stopped_before_its_container_starts_never_runs(tmp_path: Path) -> None:
    for number in range(5):
        with emulator(tmp_path, 'print("ran")\n' + SLEEPS) as (sagemaker, _, _):
            sagemaker.create_training_job(**request(tmp_path, f"job-{number}"))
            sagemaker.stop_training_job(TrainingJobName=f"job-{number}")
            assert wait_for_end(sagemaker, f"job-{number}")["TrainingJobStatus"] == "Stopped"


def test_the_runtime_is_limited(tmp_path: Path) -> None:
    with emulator(tmp_path, SLEEPS) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path, StoppingCondition={"MaxRuntimeInSeconds": 1}))
        described = wait_for_end(sagemaker)
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_checkpoints_outlive_the_job(tmp_path: Path) -> None:
    source = """
file = root / "checkpoints" / "epoch"
print("resumed" if file.exists() else "fresh")
file.write_text("1")
"""
    checkpoints = {"S3Uri": (tmp_path / "checkpoints").as_uri()}
    with emulator(tmp_path, source) as (sagemaker, logs, _):
        for name in ("first", "second"):
            sagemaker.create_training_job(**request(tmp_path, name, CheckpointConfig=checkpoints))
            wait_for_end(sagemaker, name)
        assert messages(logs, "first") == ["fresh"]
        assert messages(logs, "second") == ["resumed"]


def test_the_metrics_of_a_diverged_training_leave_out_what_is_no_number(tmp_path: Path) -> None:
    source = 'print("epoch: 0, train loss: 0.5 .")\nprint("epoch: 1, train loss: nan .")'
    with emulator(tmp_path, source) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path))
        assert [metric["Value"] for metric in wait_for_end(sagemaker)["FinalMetricDataList"]] == [0.5]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_of_the_emulator_itself_leaves_no_job_hanging(tmp_path: Path) -> None:
    def command(_: Path) -> list[str]:
        return [str(tmp_path / "absent")]

    with (
        running_server(tmp_path, programs=Programs(command, command, command)) as server,
        client("sagemaker", server.url) as sagemaker,
    ):
        sagemaker.create_training_job(**request(tmp_path))
        described = wait_for_end(sagemaker)
    assert described["FailureReason"] == "InternalServerError: the emulator failed; see its server.log"


def test_a_server_with_work_is_not_idle(tmp_path: Path) -> None:
    with emulator(tmp_path, SLEEPS, grace_seconds=0) as (sagemaker, _, server):
        sagemaker.create_training_job(**request(tmp_path))
        server.app.last_active -= 100
        assert server.idle_seconds() < 50
        sagemaker.stop_training_job(TrainingJobName="job")
        wait_for_end(sagemaker)
        wait_until(lambda: not server.services.busy)
        server.app.last_active -= 100
        assert server.idle_seconds() > 50


def test_two_clients_at_once(tmp_path: Path) -> None:
    ended: dict[str, str] = {}
    with emulator(tmp_path) as (_, _, server):

        def work(owner: str) -> None:
            with client("sagemaker", server.url) as sagemaker:
                for number in range(3):
                    name = f"{owner}-{number}"
                    sagemaker.create_training_job(**request(tmp_path, name))
                    ended[name] = wait_for_end(sagemaker, name)["TrainingJobStatus"]

        threads = [threading.Thread(target=work, args=(owner,)) for owner in ("left", "right")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ended == {f"{owner}-{number}": "Completed" for owner in ("left", "right") for number in range(3)}


def test_one_of_two_equal_names_is_refused(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        sagemaker.create_training_job(**request(tmp_path))
        taken = re.escape(
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            "already exists (arn:aws:sagemaker:eu-central-1:123456789012:training-job/job)"
        )
        with pytest.raises(sagemaker.exceptions.ResourceInUse, match=taken):
            sagemaker.create_training_job(**request(tmp_path))
        wait_for_end(sagemaker)


def test_jobs_of_a_server_that_ends_are_failed(tmp_path: Path) -> None:
    with emulator(tmp_path, SLEEPS) as (sagemaker, logs, _):
        sagemaker.create_training_job(**request(tmp_path))
        wait_for_line(logs, "waiting")
    with emulator(tmp_path) as (sagemaker, _, _):
        described = sagemaker.describe_training_job(TrainingJobName="job")
    assert described["TrainingJobStatus"] == "Failed"
    assert "the emulator ended while the job was running" in described["FailureReason"]


def test_lists_are_filtered_sorted_and_paged(tmp_path: Path) -> None:
    with emulator(tmp_path) as (sagemaker, _, _):
        for name in ("fcn-b", "psp-a", "fcn-a"):
            sagemaker.create_training_job(**request(tmp_path, name))
            wait_for_end(sagemaker, name)

        def names(**asked: Any) -> list[str]:
            summaries = sagemaker.list_training_jobs(**asked)["TrainingJobSummaries"]
            return [summary["TrainingJobName"] for summary in summaries]

        created = sagemaker.describe_training_job(TrainingJobName="psp-a")["CreationTime"]
        first = sagemaker.list_training_jobs(SortBy="Name", SortOrder="Ascending", MaxResults=2)
        assert names() == ["fcn-a", "psp-a", "fcn-b"]
        assert names(NameContains="fcn", SortBy="Name", SortOrder="Ascending") == ["fcn-a", "fcn-b"]
        assert names(StatusEquals="Failed") == []
        assert names(CreationTimeAfter=created + HOUR, LastModifiedTimeAfter=created - HOUR) == []
        assert names(CreationTimeAfter=created - HOUR, CreationTimeBefore=created + HOUR) == names()
        assert names(LastModifiedTimeBefore=created - HOUR) == []
        assert [summary["TrainingJobName"] for summary in first["TrainingJobSummaries"]] == ["fcn-a", "fcn-b"]
        assert names(SortBy="Name", SortOrder="Ascending", NextToken=first["NextToken"]) == ["psp-a"]
        with pytest.raises(sagemaker.exceptions.ClientError, match="NextToken is not valid"):
            names(NextToken="garbage")


INTERRUPTED_ONCE = """
(root / "output/data/curve.txt").write_text("a curve")
epochs = root / "checkpoints/epochs"
print("checkpoints", sorted(p.name for p in epochs.parent.iterdir()))
epochs.write_text(str(int(epochs.read_text()) + 1 if epochs.exists() else 1))
print(sorted(str(p.relative_to(root)) for p in (root / "input/data").rglob("*.*")))
if epochs.read_text() == "1":
    import time
    print("#progress_metric: host=algo-1, completed 50.0 % of epochs")
    time.sleep(60)
"""


def test_data_on_s3_is_downloaded_and_what_was_made_uploaded(tmp_path: Path) -> None:
    source = GOOD + INTERRUPTED_ONCE
    keys = ("set/train/0.jpg", "set/train_annotation/0.png", "checkpoints-of-others/epochs")
    with s3_with("training-bucket", *keys) as s3:
        _train_on_s3(tmp_path, source, s3)
        body, extra = (
            s3.get_object(Bucket="training-bucket", Key=f"out/job/output/{name}.tar.gz")["Body"].read()
            for name in ("model", "output")
        )
        kept = s3.get_object(Bucket="training-bucket", Key="checkpoints/epochs")["Body"].read()
    assert body[:2] == extra[:2] == b"\x1f\x8b"
    assert kept == b"2"  # the first attempt's 1 was downloaded again


def _train_on_s3(folder: Path, source: str, s3: Any) -> None:
    rehearse(folder, {"training_jobs": {"job": {"interrupt_at_steps": 1}}})
    asked = request(
        folder,
        OutputDataConfig={"S3OutputPath": "s3://training-bucket/out"},
        CheckpointConfig={"S3Uri": "s3://training-bucket/checkpoints"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
    )
    asked["InputDataConfig"] = asked["InputDataConfig"][:1]
    place = asked["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    with (
        running_server(folder / "home", programs=programs(folder, source), make_s3=lambda: s3) as server,
        client("sagemaker", server.url) as sagemaker,
        client("logs", server.url) as logs,
    ):
        place["S3Uri"] = "s3://training-bucket/absent/"
        with pytest.raises(sagemaker.exceptions.ClientError, match="no objects under that S3 prefix"):
            sagemaker.create_training_job(**asked)
        place["S3Uri"] = "s3://nowhere/set/train"
        with pytest.raises(sagemaker.exceptions.ClientError, match="NoSuchBucket"):
            sagemaker.create_training_job(**asked)
        place["S3Uri"] = "s3://training-bucket/set/train"
        sagemaker.create_training_job(**asked)
        assert wait_for_end(sagemaker)["TrainingJobStatus"] == "Completed"
        # a prefix without a slash takes its neighbour along, as the real logs show
        assert "['input/data/train/0.jpg', 'input/data/train/train_annotation/0.png']" in messages(logs)
        assert "checkpoints []" in messages(logs)

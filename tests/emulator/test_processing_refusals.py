"""What CreateProcessingJob refuses, and what goes wrong on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from jobs.contract.registry import OPEN_IMAGE, builtin_image
from jobs.emulator.processing.program import command_of, environment_of
from jobs.emulator.processing.record import MAX_MESSAGE, exit_message
from tests.support.emulator_setup import client, emulator, rehearse, wait_until
from tests.support.processing_setup import (
    STOCK_IMAGE,
    asked,
    describe,
    fill,
    log_of,
    process,
    source,
    target,
    wait_for_end,
)

Change = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """One emulator for all that it refuses, and its folder."""
    folder = tmp_path_factory.mktemp("refusing")
    fill(folder, "a.jpg")
    with emulator(folder, process="raise SystemExit('started')") as (sagemaker, _, _):
        yield sagemaker, folder


def inputs(**changes: Any) -> Change:
    return lambda folder: {"ProcessingInputs": [source((folder / "in").as_uri(), **changes)]}


def outputs(**changes: Any) -> Change:
    return lambda folder: {"ProcessingOutputConfig": {"Outputs": [target((folder / "out").as_uri(), **changes)]}}


def application(image: str = OPEN_IMAGE, *entrypoint: str) -> Change:
    named = {"ContainerEntrypoint": [*entrypoint]} if entrypoint else {}
    return lambda _: {"AppSpecification": {"ImageUri": image} | named}


def cluster(**changes: Any) -> Change:
    given = {"VolumeSizeInGB": 10, **changes}
    return lambda _: {"ProcessingResources": {"ClusterConfig": given}}


def of_whole_input(**changes: Any) -> Change:
    """The input's members beside its S3Input."""
    return lambda folder: {"ProcessingInputs": [source((folder / "in").as_uri()) | changes]}


REDSHIFT = {
    "ClusterId": "a",
    "Database": "b",
    "DbUser": "c",
    "QueryString": "d",
    "ClusterRoleArn": "arn:aws:iam::123456789012:role/a",
    "OutputS3Uri": "s3://bucket/e",
    "OutputFormat": "CSV",
}
REFUSED: list[tuple[Change, str]] = [
    (inputs(S3InputMode="Pipe"), "Input in in Pipe mode is not emulated"),
    (inputs(S3CompressionType="Gzip"), "Input in with S3CompressionType Gzip is not emulated"),
    (of_whole_input(AppManaged=True), "Input in with AppManaged is not emulated"),
    (of_whole_input(DatasetDefinition={"RedshiftDatasetDefinition": REDSHIFT}), "with DatasetDefinition, is not emul"),
    (
        lambda _: {
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "out", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": "group"}}
                ]
            }
        },
        "Output out with AppManaged is not emulated",
    ),
    (lambda _: {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "out"}]}}, "Output out without S3Output"),
    (lambda _: {"Environment": {"PYTHONPATH": "/x"}}, "Environment variable PYTHONPATH, which decides"),
    (inputs(LocalPath="/opt/ml/in"), "Input in: LocalPath '/opt/ml/in' is not below /opt/ml/processing/"),
    (inputs(LocalPath="/opt/ml/processing/../../x"), "Input in: LocalPath .* is not below /opt/ml/processing/"),
    (outputs(LocalPath="out"), "Output out: LocalPath 'out' is not below /opt/ml/processing/"),
    (outputs(LocalPath="/opt/ml/processing/in/"), "Output out: LocalPath .* is that of input in too"),
    (
        lambda folder: {
            "ProcessingInputs": [source((folder / "in").as_uri(), LocalPath=f"/opt/ml/processing/{n}") for n in "ab"]
        },
        "Input in is given twice",
    ),
    (
        lambda folder: {
            "ProcessingInputs": [
                source((folder / "in").as_uri(), name, LocalPath="/opt/ml/processing/a") for name in "ab"
            ]
        },
        "Input b: LocalPath /opt/ml/processing/a is that of input a too",
    ),
    (
        lambda folder: {"ProcessingInputs": [source((folder / "gone").as_uri())]},
        "Input in: file:.*gone: no folder there",
    ),
    (
        lambda folder: {"ProcessingInputs": [source((folder / "gone").as_uri(), S3DataType="ManifestFile")]},
        "Input in: file:.*gone: no file there",
    ),
    (
        lambda folder: {"ProcessingOutputConfig": {"Outputs": [target((folder / "in/a.jpg/x").as_uri())]}},
        "is no folder that can be written to",
    ),
    (application(STOCK_IMAGE), "cannot run here without ContainerEntrypoint"),
    (application(builtin_image("eu-central-1")), "cannot run here without ContainerEntrypoint"),
    (application(STOCK_IMAGE, "/bin/bash", "run.sh"), r"ContainerEntrypoint \['/bin/bash', 'run.sh'\] cannot run here"),
    (application(STOCK_IMAGE, "python2", "x.py"), "cannot run here; expected one that begins with python3"),
    (application(STOCK_IMAGE, "sageseg", "prep"), "cannot run here; expected one that begins with python3"),
    (cluster(InstanceCount=1), "Value null at 'processingResources.clusterConfig.instanceType'"),
    (cluster(InstanceCount=101, InstanceType="ml.m5.large"), "instanceCount"),
    (cluster(InstanceCount=1, InstanceType="ml.bogus.large"), "Value 'ml.bogus.large'"),
    (
        cluster(InstanceType="ml.m5.large", InstancePreferences=[{"InstanceType": "ml.m5.large"}]),
        "ProcessingResources.ClusterConfig.InstancePreferences and InstanceType are mutually exclusive",
    ),
    (
        cluster(InstancePreferences=[{"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.m5.large"}]),
        "InstancePreferences: ml.m5.large is given twice",
    ),
    (
        cluster(InstancePreferences=[{"InstanceType": "ml.m5.large", "InstanceCount": 2}]),
        "InstancePreferences with InstanceCount is not emulated",
    ),
    (cluster(InstanceType="ml.m5.large", SelectedInstanceCount=1), "SelectedInstanceCount is read-only"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED)
def test_what_cannot_run_is_refused(refusing: tuple[Any, Path], change: Change, words: str) -> None:
    sagemaker, folder = refusing
    with pytest.raises(ClientError, match=rf"ValidationException.*{words}"):
        sagemaker.create_processing_job(**asked(folder, **change(folder)))
    assert sagemaker.list_processing_jobs()["ProcessingJobSummaries"] == []


def test_instances_count_towards_their_quota(tmp_path: Path) -> None:
    fill(tmp_path)
    quotas = {"ml.m5.large for processing job usage": 3}
    rehearse(tmp_path, {"quotas": quotas, "processing_jobs": {"*": {"start_seconds": 60}}})
    with emulator(tmp_path) as (sagemaker, _, server), client("service-quotas", server.url) as service:
        (quota,) = service.list_service_quotas(ServiceCode="sagemaker")["Quotas"]
        sagemaker.create_processing_job(**asked(tmp_path, "one", count=2))
        with pytest.raises(ClientError) as refused:
            sagemaker.create_processing_job(**asked(tmp_path, "two", count=2))
        sagemaker.create_processing_job(**asked(tmp_path, "three", count=1))
    assert (quota["QuotaName"], quota["Value"]) == ("ml.m5.large for processing job usage", 3)
    assert "is 3 Instances, with current utilization of 2 Instances and a request delta of 2 Instances" in str(
        refused.value
    )


def test_an_instance_type_is_chosen_from_a_list(tmp_path: Path) -> None:
    fill(tmp_path)
    rehearse(tmp_path, {"processing_jobs": {"ml.c5.*": {"capacity_error": True}}})
    offered = [{"InstanceType": "ml.c5.xlarge"}, {"InstanceType": "ml.m5.large"}]
    with emulator(tmp_path) as (sagemaker, _, _):
        some = cluster(InstanceCount=2, InstancePreferences=offered)(tmp_path)
        described = process(sagemaker, tmp_path, "some", **some)
        none = cluster(InstanceType="ml.c5.2xlarge")(tmp_path)
        failed = process(sagemaker, tmp_path, "none", **none)
    chosen = described["ProcessingResources"]["ClusterConfig"]
    assert (chosen["SelectedInstanceType"], chosen["SelectedInstanceCount"]) == ("ml.m5.large", 2)
    assert failed["FailureReason"].startswith("CapacityError: ")
    assert failed["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1


COUNTS = """
for number in range(1, 4):
    print("line", number, flush=True)
import time
time.sleep(60 if "LONG" else 0)
"""


@pytest.mark.parametrize(("line", "logged"), [(0, []), (1, ["line 1"]), (3, ["line 1", "line 2", "line 3"])])
def test_a_host_fails_where_the_rehearsal_says(tmp_path: Path, line: int, logged: list[str]) -> None:
    fill(tmp_path)
    trouble = {"algorithm_error": "No space left on device", "fail_hosts": "algo-2", "fail_at_line": line}
    rehearse(tmp_path, {"processing_jobs": {"process": trouble}})
    with emulator(tmp_path, process=COUNTS, grace_seconds=0.1) as (sagemaker, logs, _):
        described = process(sagemaker, tmp_path, count=2)
        found = log_of(logs, "algo-2")
    assert described["FailureReason"] == "AlgorithmError: algo-2: No space left on device, exit code: 1"
    assert found[: len(logged)] == logged
    assert bool(found) == bool(logged)


def test_calls_are_throttled_on_request(tmp_path: Path) -> None:
    fill(tmp_path)
    rehearse(tmp_path, {"calls": {"DescribeProcessingJob": 1}})
    with emulator(tmp_path) as (sagemaker, _, server):
        sagemaker.create_processing_job(**asked(tmp_path))
        with pytest.raises(ClientError, match="ThrottlingException"):
            describe(sagemaker)
        wait_until(lambda: not server.services.busy)
        assert wait_for_end(sagemaker)["ProcessingJobStatus"] == "Completed"


def test_a_rehearsal_that_is_misspelt_is_told(tmp_path: Path) -> None:
    fill(tmp_path)
    with emulator(tmp_path) as (sagemaker, _, _):
        for wrong, words in (
            ({"fail_host": "algo-1"}, "'fail_host' is not known; expected one of .*fail_hosts"),
            ({"fail_at_line": -1}, "fail_at_line is -1; expected a whole number"),
            ({"algorithm_error": 7}, "algorithm_error is 7; expected a text"),
        ):
            rehearse(tmp_path, {"processing_jobs": {"process": wrong}})
            with pytest.raises(ClientError, match=words):
                sagemaker.create_processing_job(**asked(tmp_path))


def own(_root: Path) -> list[str]:
    return ["sageseg"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("/opt/ml", "/w/ml"),
        ("/opt/ml/processing/in/a b.jpg", "/w/ml/processing/in/a b.jpg"),
        ("--out=/opt/ml/processing/out", "--out=/w/ml/processing/out"),
        ('{"a": "/opt/ml/x", "b": ["/opt/ml"]}', '{"a": "/w/ml/x", "b": ["/w/ml"]}'),
        ("/opt/ml/a:/opt/ml/b,/opt/ml/c", "/w/ml/a:/w/ml/b,/w/ml/c"),
        ("file:///opt/ml/processing/in", "file:///w/ml/processing/in"),
        ("s3://bucket/opt/ml/x", "s3://bucket/opt/ml/x"),
        ("/data/opt/ml/x", "/data/opt/ml/x"),
        ("/opt/mlflow /opt/ml-old /opt/ml.bak", "/opt/mlflow /opt/ml-old /opt/ml.bak"),
        ("./opt/ml", "./opt/ml"),
    ],
)
def test_words_name_the_tree_of_their_host(said: str, told: str) -> None:
    command = command_of({"ImageUri": OPEN_IMAGE, "ContainerArguments": [said]}, own, Path("/w/ml"))
    assert command == ["sageseg", told]
    assert environment_of({"A": said}, Path("/w/ml")) == {"A": told}


@given(st.text().filter(lambda text: "/opt/ml" not in text))
def test_other_words_are_left_as_they_are(text: str) -> None:
    assert environment_of({"A": text}, Path("/w/ml")) == {"A": text}


@given(st.lists(st.text(max_size=2000), max_size=5))
def test_a_message_is_a_kilobyte_at_most_and_a_beginning(texts: list[str]) -> None:
    told = exit_message({f"algo-{n}": text.encode("utf-8", "replace") for n, text in enumerate(texts, 1)})
    assert len(told.encode()) <= MAX_MESSAGE
    first = texts[0].encode("utf-8", "replace").decode() if texts else ""
    assert told.startswith(first) or first.startswith(told[: len(first)])


@given(st.binary(max_size=50).filter(lambda content: content.decode("utf-8", "ignore").encode() != content))
def test_a_message_that_is_no_text_is_told_of_its_host(content: bytes) -> None:
    with pytest.raises(SagesegError, match="message of algo-2 is not UTF-8"):
        exit_message({"algo-1": b"good", "algo-2": content})

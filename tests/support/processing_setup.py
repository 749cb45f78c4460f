"""Processing jobs of the emulator, for the tests of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs.contract.registry import OPEN_IMAGE
from jobs.contract.statuses import ENDED
from tests.support.emulator_setup import ROLE, wait_until

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
STOCK_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
TELLS = """
import json, os
config = json.loads((root / "config" / "resourceconfig.json").read_text())
host = config["current_host"]
given = root / "processing" / "in"
names = sorted(path.relative_to(given).as_posix() for path in given.rglob("*") if path.is_file())
out = root / "processing" / "out"
(out / f"{host}.json").write_text(json.dumps({"names": names, "config": config, "arguments": sys.argv[2:]}))
print("worked on", len(names))
(root / "output" / "message").write_text(f"{host} done. ")
"""
"""A container program that tells what it finds in the input `in` to the output `out`."""

MAKES_SHARDS = """
import hashlib, json
config = json.loads((root / "config" / "resourceconfig.json").read_text())
told, of = sys.argv[sys.argv.index("--shard") + 1].split("/")
runs = [[int(end) for end in run.split("-")] for run in told.split(",")]
numbers = [number for run in runs for number in range(run[0], run[-1] + 1)]
number, of = numbers[sorted(config["hosts"]).index(config["current_host"])], int(of)
shard = f"{number}/{of}"
print(f"shard {shard} begins")
print(f"images: {number} of 9")
output = root / "processing" / "output"
folder = output / f"shard-{number}-of-{of}"
folder.mkdir(parents=True, exist_ok=True)
words = sys.argv[sys.argv.index("--shard") + 2 :]
words = [word if word.startswith("s3://") else word.rpartition("/")[2] for word in words]
told = {"format_version": 1, "kind": "x", "tool_version": "1", "command": words, "settled": {}}
plan = json.dumps({**told, "sources": 9, "sources_sha256": "", "files": {}}).encode()
journal = shard.encode()
(output / "plan.json").write_bytes(plan)
(folder / "journal.jsonl").write_bytes(journal)
digests = [hashlib.sha256(content).hexdigest() for content in (plan, journal)]
names = ("format_version", "shard", "of", "plan_sha256", "counts", "journal_sha256")
marker = dict(zip(names, [1, number, of, digests[0], {"images": 1, "bytes": 0}, digests[1]]))
(folder / "shard.json").write_text(json.dumps(marker))
print(f"shard {shard} is done")
"""
"""In the place of a host's command: a shard as one is told from outside, of a plan that nothing can be made of."""


def source(uri: str, name: str = "in", **changes: Any) -> dict[str, Any]:
    """An input, whose folder is named like it."""
    given = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": given | changes}


def target(uri: str, name: str = "out", **changes: Any) -> dict[str, Any]:
    """An output, whose folder is named like it."""
    given = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": given | changes}


def asked(folder: Path, name: str = "process", count: int = 1, **changes: Any) -> dict[str, Any]:
    """A request over `folder/in` to `folder/out`."""
    return {
        "ProcessingJobName": name,
        "AppSpecification": {"ImageUri": OPEN_IMAGE},
        "ProcessingInputs": [source((folder / "in").as_uri())],
        "ProcessingOutputConfig": {"Outputs": [target((folder / "out").as_uri())]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
        },
        "RoleArn": ROLE,
    } | changes


def fill(folder: Path, *names: str) -> None:
    """Files below `folder/in`, each its own content."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def describe(sagemaker: Any, name: str = "process") -> dict[str, Any]:
    described: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
    return described


def wait_for_end(sagemaker: Any, name: str = "process") -> dict[str, Any]:
    """The description of a job once it has ended."""
    wait_until(lambda: describe(sagemaker, name)["ProcessingJobStatus"] in ENDED)
    return describe(sagemaker, name)


def process(sagemaker: Any, folder: Path, name: str = "process", count: int = 1, **changes: Any) -> dict[str, Any]:
    """The description of such a job from its start to its end."""
    sagemaker.create_processing_job(**asked(folder, name, count, **changes))
    return wait_for_end(sagemaker, name)


def log_of(logs: Any, host: str = "algo-1", name: str = "process") -> list[str]:
    """The log lines of a host; none where it has no stream yet."""
    try:
        found = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/{host}-")["logStreams"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [
        event["message"]
        for stream in found
        for event in logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]

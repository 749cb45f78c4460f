"""Batch transform jobs over several instances: how objects are dealt, what one that is lost means, quotas."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jobs.emulator.host.storage import StoredObject
from jobs.emulator.transform.instance import deal
from tests.support.emulator_setup import create_model, emulator, rehearse, wait_until
from tests.support.transform_setup import asked, fill, transform, transform_streams, wait_for_end

WHO = """
def answer(path, headers, body):
    print("was sent", body.decode())
    return 200, {}, str(os.getpid()).encode()
"""
TWO_EACH = """
import threading
both, here = threading.Barrier(2), [0]
def answer(path, headers, body):
    here[0] += 1
    both.wait(20)
    here[0] -= 1
    return (200 if here[0] < 2 else 500), {}, b""
"""
"""Each container answers only where two objects are with it at once."""
FIRST_FAILS = """
if pathlib.Path(os.getcwd()).parent.name == "instance-1":
    sys.exit(1)
"""


def on(count: int, kind: str = "ml.m5.large") -> dict[str, Any]:
    return {"TransformResources": {"InstanceType": kind, "InstanceCount": count}}


def letters(count: int) -> dict[str, bytes]:
    return {f"car{number}": f"car{number}".encode() for number in range(count)}


@pytest.mark.parametrize(("objects", "instances", "shares"), [(7, 3, [3, 2, 2]), (4, 2, [2, 2]), (2, 4, [1, 1, 0, 0])])
def test_objects_are_dealt_whole_and_evenly(tmp_path: Path, objects: int, instances: int, shares: list[int]) -> None:
    fill(tmp_path, **letters(objects))
    with emulator(tmp_path, serve=WHO) as (sagemaker, logs, _):
        described = transform(sagemaker, tmp_path, **on(instances))
        streams = transform_streams(logs)
    assert (described["TransformJobStatus"], described["TransformResources"]["InstanceCount"]) == (
        "Completed",
        instances,
    )
    by_whom = Counter(path.read_text() for path in (tmp_path / "predicted").glob("*.out"))
    assert sorted(by_whom.values(), reverse=True) == [share for share in shares if share]
    data_logs = [name for name in streams if name.endswith("/data-log")]
    containers = [name for name in streams if not name.endswith("/data-log")]
    assert len(data_logs) == len(containers) == instances
    assert sorted(f"{name}/data-log" for name in containers) == sorted(data_logs)
    sent = [[line for line in streams[name] if line.startswith("was sent")] for name in containers]
    assert sorted(map(len, sent), reverse=True) == shares
    assert sorted(line for lines in sent for line in lines) == [f"was sent car{number}" for number in range(objects)]


def test_shares_are_by_key_and_leave_nothing_out() -> None:
    objects = [StoredObject(f"{number:02}.jpg", f"s3://b/{number:02}.jpg") for number in range(11)]
    for instances in (1, 2, 5, 11, 12):
        shares = deal(objects, instances)
        assert len(shares) == instances
        assert sorted((found for share in shares for found in share), key=lambda found: found.name) == objects
        assert all(list(share) == sorted(share, key=lambda found: found.name) for share in shares)


def test_each_instance_is_sent_so_many_at_a_time(tmp_path: Path) -> None:
    fill(tmp_path, **letters(4))
    with emulator(tmp_path, serve=TWO_EACH) as (sagemaker, _, _):
        described = transform(sagemaker, tmp_path, **on(2), MaxConcurrentTransforms=2, MaxPayloadInMB=1)
    assert described["TransformJobStatus"] == "Completed"


@pytest.mark.parametrize(("lost", "missing"), [(1, ["car0", "car2"]), (2, ["car1", "car3"])])
def test_a_lost_instance_fails_the_job_but_not_the_others_objects(
    tmp_path: Path, lost: int, missing: list[str]
) -> None:
    rehearse(tmp_path, {"transform_jobs": {"batch": {"lose_instance": lost}}})
    fill(tmp_path, **letters(4))
    with emulator(tmp_path, serve=WHO) as (sagemaker, logs, _):
        described = transform(sagemaker, tmp_path, **on(2))
        lines = [line for lines in transform_streams(logs).values() for line in lines]
    assert described["FailureReason"] == "AlgorithmError: See job logs for more information"
    made = {path.name.removesuffix(".jpg.out") for path in (tmp_path / "predicted").iterdir()}
    assert made == set(letters(4)) - set(missing)
    told = [line for line in lines if line.endswith("Unable to get response from algorithm")]
    assert {name for name in letters(4) if any(f"{name}.jpg: " in line for line in told)} == set(missing)


def test_an_unhealthy_instance_fails_the_job_before_anything_is_sent(tmp_path: Path) -> None:
    fill(tmp_path, **letters(4))
    with emulator(tmp_path, serve="import pathlib" + FIRST_FAILS + WHO) as (sagemaker, _, server):
        described = transform(sagemaker, tmp_path, **on(3))
        wait_until(lambda: not server.services.busy)
    assert described["FailureReason"].startswith("AlgorithmError: The container did not pass the ping health check")
    assert not (tmp_path / "predicted").exists()


def test_a_refusal_tells_more_of_a_job_than_a_failure(tmp_path: Path) -> None:
    serve = "def answer(path, headers, body):\n    return int(body), {}, b''\n"
    fill(tmp_path, a=b"500", b=b"415")
    with emulator(tmp_path, serve=serve) as (sagemaker, _, _):
        assert transform(sagemaker, tmp_path, **on(2))["FailureReason"].startswith("ClientError")


def test_all_instances_end_with_a_job_that_is_stopped(tmp_path: Path) -> None:
    fill(tmp_path, **letters(4))
    serve = 'def answer(path, headers, body):\n    print("asleep")\n    time.sleep(60)\n'
    with emulator(tmp_path, serve=serve) as (sagemaker, logs, server):
        create_model(sagemaker, tmp_path)
        sagemaker.create_transform_job(**asked(tmp_path, **on(3)))
        wait_until(lambda: sum(lines.count("asleep") for lines in transform_streams(logs).values()) == 3)
        sagemaker.stop_transform_job(TransformJobName="batch")
        assert wait_for_end(sagemaker)["TransformJobStatus"] == "Stopped"
        wait_until(lambda: not server.services.busy)
    assert not (tmp_path / "predicted").exists()


@pytest.mark.parametrize(("limit", "first", "second"), [(2, 3, None), (3, 2, 2), (3, 3, 1)])
def test_every_instance_counts_against_the_quota(tmp_path: Path, limit: int, first: int, second: int | None) -> None:
    rehearse(
        tmp_path,
        {"quotas": {"ml.m5.large for transform job usage": limit}, "transform_jobs": {"*": {"start_seconds": 60}}},
    )
    fill(tmp_path, a=b"one")
    with emulator(tmp_path, serve=WHO) as (sagemaker, _, _):
        create_model(sagemaker, tmp_path)
        if second is not None:
            sagemaker.create_transform_job(**asked(tmp_path, "first", **on(first)))
            sagemaker.create_transform_job(**asked(tmp_path, "other-type", **on(9, "ml.m5.xlarge")))
        used, wanted = (0, first) if second is None else (first, second)
        told = f"is {limit} Instances, with current utilization of {used} Instances and a request delta of {wanted} "
        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded, match=told):
            sagemaker.create_transform_job(**asked(tmp_path, **on(wanted)))

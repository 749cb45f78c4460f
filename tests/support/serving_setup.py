"""What the tests of serving share: a trained job on an emulator in SageMaker's place, and a stand-in
container whose masks are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import sageseg.cli  # noqa: F401 (it mounts predict, which may stitch)
from formats.dataset import Dataset
from formats.images import Rgb, read_image
from formats.masks import Mask
from jobs.endpoints.scaling import alarm_name
from jobs.tracking.job_calls import POLL_SECONDS
from jobs.tracking.records import JobRecord, read_record, write_record
from sageseg.cli import app
from tests.support.aws_setup import ROLE, aws_client, moto_server, no_price_list, use_aws
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.emulator_setup import emulator, wait_until

SCHEDULER_ROLE = "arn:aws:iam::123456789012:role/Scheduler"
TRAINS = '(root / "model" / "weights").write_text("trained")'
SERVES = """
import io
parameters = {"MaxConcurrentTransforms": 2}
def answer(path, headers, body):
    from PIL import Image
    with Image.open(io.BytesIO(body)) as image:
        bright = image.convert("L").point(lambda value: value > 125)
    accept = headers.get("Accept")
    if accept == "image/png":
        buffer = io.BytesIO()
        bright.save(buffer, "PNG")
        return 200, {"Content-Type": accept}, buffer.getvalue()
    if accept == "application/x-recordio-protobuf":
        import numpy as np
        from jobs.contract.probabilities import encode_probabilities
        scores = np.eye(2, dtype=np.float32)[np.asarray(bright)].transpose(2, 0, 1)[None]
        return 200, {"Content-Type": accept}, encode_probabilities(np.ascontiguousarray(scores))
    return 406, {"Content-Type": "text/plain"}, b"not answered"
"""
"""Bright pixels are class 1. Probabilities come under the documented name only, as it may be at AWS."""
NAME = "cars"
EMULATED = ("sagemaker", "sagemaker_runtime", "cloudwatch_logs", "application_auto_scaling")
"""Services in whose place the emulator stands; moto stands for the others."""


@dataclass(frozen=True)
class Served:
    """AWS as the tests have it: moto for S3 and Scheduler, `home` of the emulator for SageMaker."""

    url: str
    emulator_url: str
    folder: Path
    dataset: Dataset
    record: JobRecord

    def sagemaker(self) -> Any:
        return aws_client("sagemaker", self.emulator_url)

    def scheduler(self) -> Any:
        return aws_client("scheduler", self.url)

    def services(self) -> dict[str, str]:
        return dict.fromkeys(EMULATED, self.emulator_url)

    def endpoint(self) -> str:
        """The status of the only endpoint; empty when there is none."""
        found = self.sagemaker().list_endpoints()["Endpoints"]
        return str(found[0]["EndpointStatus"]) if found else ""

    def keys(self, prefix: str) -> list[str]:
        listed = aws_client("s3", self.url).list_objects_v2(Bucket="cars", Prefix=prefix)
        return [found["Key"] for found in listed.get("Contents", ())]

    def rehearse(self, **plan: Any) -> None:
        (self.folder / "home" / "rehearsal.yaml").write_text(json.dumps(plan))

    def settle(self) -> None:
        """Nothing goes wrong any more, and nothing is left."""
        (self.folder / "home" / "rehearsal.yaml").unlink(missing_ok=True)
        sagemaker = self.sagemaker()
        for found in sagemaker.list_endpoints()["Endpoints"]:
            if found["EndpointStatus"] == "Deleting":
                continue
            sagemaker.delete_endpoint(EndpointName=found["EndpointName"])
        for found in sagemaker.list_endpoint_configs()["EndpointConfigs"]:
            sagemaker.delete_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        for found in sagemaker.list_models()["Models"]:
            sagemaker.delete_model(ModelName=found["ModelName"])
        scheduler = self.scheduler()
        for found in scheduler.list_schedules()["Schedules"]:
            scheduler.delete_schedule(Name=found["Name"])
        scaling, named = aws_client("application-autoscaling", self.emulator_url), ("ResourceId", "ScalableDimension")
        for found in scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
            where = {name: found[name] for name in named}
            scaling.deregister_scalable_target(ServiceNamespace="sagemaker", **where)
            alarm = alarm_name(found["ResourceId"].split("/")[1])
            aws_client("cloudwatch", self.url).delete_alarms(AlarmNames=[alarm])

    def left(self) -> list[str]:
        """The names of all that stands at SageMaker and Scheduler."""
        sagemaker = self.sagemaker()
        return [
            *(f"endpoint {found['EndpointName']}" for found in sagemaker.list_endpoints()["Endpoints"]),
            *(
                f"config {found['EndpointConfigName']}"
                for found in sagemaker.list_endpoint_configs()["EndpointConfigs"]
            ),
            *(f"model {found['ModelName']}" for found in sagemaker.list_models()["Models"]),
            *(f"schedule {found['Name']}" for found in self.scheduler().list_schedules()["Schedules"]),
        ]


@contextmanager
def served_job(folder: Path, serve: str = SERVES, train: str = TRAINS, process: str = "") -> Iterator[Served]:
    """A completed job `cars` at an AWS that is moto and an emulator; the environment names them."""
    with moto_server() as url, pytest.MonkeyPatch.context() as patch:
        aws_client("s3", url).create_bucket(Bucket="cars")
        use_aws(patch, url)
        patch.setenv("SAGESEG_HOME", str(folder / "first-home"))
        patch.setattr("jobs.cost.prices._ask", no_price_list)
        patch.setitem(POLL_SECONDS, "aws", 0.02)
        with emulator(folder, train, serve=serve, process=process) as (_, _, server):
            use_aws(patch, url, **dict.fromkeys(EMULATED, server.url))
            dataset = small_dataset(folder / "dataset")
            words = ("--data", "s3://cars/one", "--role", ROLE, "--name", NAME, "--mini-batch-size", "1", "--yes")
            ran = run("train", str(dataset.root), *words)
            assert ran.exit_code == 0, ran.output
            yield Served(url, server.url, folder, dataset, read_record(NAME))


def each_test(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fixture's body: the test's own home knows the job, and the test leaves nothing behind."""
    use_aws(monkeypatch, served.url, **served.services())
    write_record(served.record)
    yield
    sagemaker = served.sagemaker()
    wait_until(lambda: not sagemaker.list_endpoints(StatusEquals="Creating")["Endpoints"])
    served.settle()
    wait_until(lambda: not sagemaker.list_endpoints()["Endpoints"])


def small_dataset(root: Path) -> Dataset:
    images = {f"car{number}_01": disc_image(24, 16, seed=number) for number in range(5)}
    splits = {stem: "train" if stem == "car4_01" else "val" for stem in images}
    return make_channels(make_dataset(root, images, splits=splits))


def bright(image: Rgb) -> Mask:
    """What the stand-in container answers."""
    from PIL import Image

    return (np.asarray(Image.fromarray(image).convert("L")) > 125).astype(np.uint8)


def expected_mask(dataset: Dataset, row_id: str) -> Mask:
    return bright(read_image(dataset.image_path(row_id)))


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["jobs", *words])


def predict(aws: Served, out: Path, *words: str) -> Result:
    return run("predict", "cars", str(aws.dataset.root), "--out", str(out), *words)


def nothing_written(out: Path) -> bool:
    return not out.exists() and not out.with_name(out.name + ".partial").exists()

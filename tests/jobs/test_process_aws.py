"""A processing job as at AWS: inputs and shards in S3, what it may cost, and what is refused before it is paid for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.aws_setup import ROLE, aws_client, no_price_list, use_aws
from tests.support.pair_samples import make
from tests.support.prep_samples import digests
from tests.support.typed_commands import Ran, typed

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
WORDS = ["--labels", "in/classes.txt", "--val", "0", "--crop", "none"]
COMMON = ["--image", IMAGE, "--role", ROLE]


@pytest.fixture
def here(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a list of classes, whose images and masks lie in S3 under its name; an emulator in SageMaker's
    place."""
    from jobs.emulator.server import running_server

    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    use_aws(monkeypatch, moto)
    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    s3 = aws_client("s3", moto)
    for path in (tmp_path / "in").rglob("*.*"):
        s3.upload_file(str(path), "cars", f"{tmp_path.name}/{path.relative_to(tmp_path).as_posix()}")
    with running_server(tmp_path / "sagemaker") as server:
        use_aws(monkeypatch, moto, sagemaker=server.url, cloudwatch_logs=server.url)
        monkeypatch.setitem(POLL_SECONDS, "aws", 0.05)
        yield tmp_path


def process(here: Path, *options: str, out: str = "out", words: list[str] = WORDS) -> Ran:
    verb = ["prep", *read(here), *words, "--out", f"s3://cars/{here.name}/{out}"]
    return typed(["jobs", "process", *COMMON, *options, *verb], here)


def read(here: Path) -> list[str]:
    return ["pairs", f"s3://cars/{here.name}/in/images", f"s3://cars/{here.name}/in/masks/"]


def fetch(moto: str, here: Path, folder: Path) -> Path:
    s3 = aws_client("s3", moto)
    prefix = f"{here.name}/out/"
    for found in s3.list_objects_v2(Bucket="cars", Prefix=prefix)["Contents"]:
        path = folder / found["Key"].removeprefix(prefix)
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file("cars", found["Key"], str(path))
    return folder


def jobs(here: Path) -> list[str]:
    from aws.clients import make_client

    listed = make_client("sagemaker", None).list_processing_jobs()["ProcessingJobSummaries"]
    return [job["ProcessingJobName"] for job in listed]


def test_shards_in_s3_merge_into_the_dataset_of_one_machine(here: Path, moto: str) -> None:
    ran = process(here, "--instances", "2", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert "2 × ml.c5.2xlarge: $" in ran.stderr
    assert f"next: aws s3 sync s3://cars/{here.name}/out out-shards && sageseg prep merge out-shards" in ran.stderr
    fetch(moto, here, here / "shards")
    merged = typed(["prep", "merge", "shards", "--out", "merged"], here)
    assert merged.returncode == 0, merged.stderr
    alone = typed(["prep", *read(here), *WORDS, "--out", "alone"], here)
    assert alone.returncode == 0, alone.stderr
    assert digests(here / "merged") == digests(here / "alone")

    key = f"{here.name}/out/shard-2-of-2/shard.json"
    aws_client("s3", moto).delete_object(Bucket="cars", Key=key)
    again = process(here, "--instances", "2", "--max-cost", "50")
    assert again.returncode == 0, again.stderr
    assert re.search(r"started processing job \S+ on ml.c5.2xlarge: shards 2/2", again.stderr)
    assert len(jobs(here)) == 2


@pytest.mark.parametrize(
    ("options", "out", "said"),
    [
        (["--max-cost", "1"], "out", r"may cost \$\d+.*more than --max-cost 1; lower --max-hours or --instances"),
        (["--instance-type", "ml.c6i.xlarge", "--max-cost", "9"], "out", "ml.c6i.xlarge: its price is unknown"),
        ([], "out", "this costs money and nobody is there to ask; add --yes, or --max-cost USD"),
        (["--yes", "--name", "a_b"], "out", "--name a_b: expected letters of A to Z"),
    ],
)
def test_what_is_refused_before_anything_is_paid(here: Path, options: list[str], out: str, said: str) -> None:
    ran = process(here, *options, out=out)
    assert ran.returncode == 1
    assert re.search(said, ran.stderr.splitlines()[-1])
    assert jobs(here) == []


def test_what_is_not_there_and_where_shards_cannot_go(here: Path) -> None:
    place = f"s3://cars/{here.name}"
    for verb, said in [
        (["prep", "pairs", f"{place}/imagos", f"{place}/in/masks", "--out", f"{place}/o"], "imagos: nothing is there"),
        (["prep", "pairs", "in/images", f"{place}/in/masks", "--out", f"{place}/o"], "in/images: a folder of this ma"),
        (["prep", "labelme", place, "--images", "in/images", "--out", f"{place}/o"], "in/images: a folder of this ma"),
        (["prep", "pairs", f"{place}/in/images", f"{place}/in/masks", "--out", "o"], "--out o-shards: on AWS the sh"),
        (["prep", "pairs", f"{place}/in/images", f"{place}/in/masks", "--out", "s3://cars"], "s3://cars: a whole buc"),
        (
            ["prep", "pairs", f"{place}/in/images", f"{place}/in/masks", "--out", f"{place}/in"],
            "holds classes.txt and no",
        ),
    ]:
        ran = typed(["jobs", "process", *COMMON, "--yes", *verb], here)
        assert ran.returncode == 1
        assert said in ran.stderr.splitlines()[-1]
    assert jobs(here) == []


@pytest.mark.parametrize("missing", ["--image", "--role"])
def test_what_aws_needs_and_this_machine_does_not(here: Path, missing: str) -> None:
    kept = [
        word for name, value in zip(COMMON[::2], COMMON[1::2], strict=True) if name != missing for word in (name, value)
    ]
    place = f"s3://cars/{here.name}"
    verb = ["prep", "pairs", f"{place}/in/images", f"{place}/in/masks", *WORDS, "--out", f"{place}/out"]
    ran = typed(["jobs", "process", *kept, "--yes", *verb], here)
    assert ran.returncode == 1
    assert f"{missing}: missing; expected" in ran.stderr.splitlines()[-1]


def test_a_dry_run_prints_the_request_and_sends_nothing(here: Path, moto: str) -> None:
    ran = process(here, "--dry-run", "--instances", "5", words=[*WORDS, "--mask-name", "{stem}"])
    assert ran.returncode == 0, ran.stderr
    assert f"input s3://cars/{here.name}/in/images (each instance fetches what its shards need)" in ran.stderr
    request: dict[str, Any] = json.loads(ran.stdout)
    assert request["AppSpecification"]["ContainerArguments"][2:6] == ["prep", *read(here)]
    (given,) = request["ProcessingInputs"]
    assert given["S3Input"]["S3Uri"].endswith("/classes.txt")
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 5
    assert jobs(here) == []
    keys = [
        found["Key"] for found in aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix=here.name)["Contents"]
    ]
    assert not [key for key in keys if "/out" in key]


def test_a_job_that_nobody_follows_is_gone_on_with(here: Path) -> None:
    left = process(here, "--instances", "2", "--yes", "--no-wait")
    assert left.returncode == 0, left.stderr
    assert "goes on; the same command again follows it" in left.stderr
    ran = process(here, "--instances", "2", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert len(jobs(here)) == 1

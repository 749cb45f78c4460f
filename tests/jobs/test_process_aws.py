"""A processing job as at AWS: inputs and shards in S3, what it may cost, and what is refused before it is paid for."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs.emulator.host.container import Programs
from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.aws_setup import ROLE, aws_client, no_price_list, use_aws
from tests.support.pair_samples import make
from tests.support.prep_samples import digests
from tests.support.typed_commands import Ran, typed

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
WORDS = ["--labels", "in/classes.txt", "--val", "0", "--crop", "none"]
COMMON = ["--image", IMAGE, "--role", ROLE]


@pytest.fixture
def here(tmp_path: Path, moto: str, warm: Programs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a list of classes, whose images and masks lie in S3 under its name; an emulator in SageMaker's
    place."""
    from jobs.emulator.server import running_server

    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    use_aws(monkeypatch, moto)
    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    s3 = aws_client("s3", moto)
    for path in (tmp_path / "in").rglob("*.*"):
        s3.upload_file(str(path), "cars", f"{tmp_path.name}/{path.relative_to(tmp_path).as_posix()}")
    with running_server(tmp_path / "sagemaker", programs=warm) as server:
        use_aws(monkeypatch, moto, sagemaker=server.url, cloudwatch_logs=server.url)
        monkeypatch.setitem(POLL_SECONDS, "aws", 0.05)
        yield tmp_path


def process(
    here: Path,
    *options: str,
    out: str | None = "out",
    words: Sequence[str] = WORDS,
    more: Sequence[str] = (),
) -> Ran:
    """To a place in S3, or without one to `cars` here."""
    to = "cars" if out is None else f"s3://cars/{here.name}/{out}"
    verb = ["prep", *read(here), *words, "--out", to, *more]
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


def test_shards_in_s3_become_the_dataset_of_one_machine(here: Path, moto: str) -> None:
    to_here = ["--instances", "2", "--shards", f"s3://cars/{here.name}/out"]
    ran = process(here, *to_here, "--yes", out=None)
    assert ran.returncode == 0, ran.stderr
    assert "2 × ml.c5.2xlarge: $" in ran.stderr
    assert f"input s3://cars/{here.name}/in/images (each instance fetches what its shards need)" in ran.stderr
    assert f"putting the shards of s3://cars/{here.name}/out together in cars" in ran.stderr
    alone = typed(["prep", *read(here), *WORDS, "--out", "alone"], here)
    assert alone.returncode == 0, alone.stderr
    assert digests(here / "cars") == digests(here / "alone")

    s3, key = aws_client("s3", moto), f"{here.name}/out/shard-2-of-2/shard.json"
    s3.delete_object(Bucket="cars", Key=key)
    again = process(
        here, *to_here, "--max-cost", "50", "--shards", f"s3://cars/{here.name}/out/", out=None, more=["--overwrite"]
    )
    assert again.returncode == 0, again.stderr
    assert re.search(r"started processing job \S+ on ml.c5.2xlarge: shards 2/2", again.stderr)
    assert len(jobs(here)) == 2
    line = s3.get_object(Bucket="cars", Key=f"{here.name}/out/line.txt")["Body"].read().decode()
    assert line.startswith("sageseg jobs process --image ")
    shutil.rmtree(fetch(moto, here, here / "fetched") / "shard-2-of-2")
    lacking = typed(["prep", "merge", "fetched", "--out", "merged"], here)
    assert lacking.returncode == 1
    assert f"shard 2/2 is missing; run {line.strip()}" in lacking.stderr


def test_on_this_machine_too_places_may_be_in_s3(here: Path, moto: str, warm: Programs) -> None:
    from jobs.emulator.server import running_server

    shards = ["--backend", "local", "--shards", f"s3://cars/{here.name}/out"]
    with running_server(here / "sageseg-home", programs=warm):
        ran = process(here, *shards, "--instances", "1", out=None)
    assert ran.returncode == 0, ran.stderr
    assert "$" not in ran.stderr
    assert len((here / "cars" / "manifest.csv").read_text().splitlines()) == 4
    assert jobs(here) == []


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


@pytest.mark.parametrize(
    ("options", "out", "said"),
    [
        (["--shards", "s3://cars/x"], "out", r"--out s3://\S+/out: the shards themselves go there; leave out --shards"),
        (["--shards", "here"], None, "here: on AWS the shards go to S3; expected s3://bucket/prefix as --shards"),
        (["--shards", "s3://cars"], None, "s3://cars: a whole bucket; expected a prefix in it, such as s3://cars/cars"),
        (["--subnets", "subnet-1"], "out", "--subnets and --security-groups: a VPC needs both"),
        (["--instance-type", "ml.c5.large,x"], "out", "--instance-type ml.c5.large: no instance type for processing"),
        (["--instance-type", "ml.g5.xlarge", "--volume-gb", "300"], "out", "has 250 GB of disk .* 300 GB are needed"),
        (["--instance-type", "ml.g5.xlarge,ml.c5.xlarge", "--kms-key", "k"], "out", "some have disks of their own"),
    ],
)
def test_options_that_do_not_go_together(here: Path, options: list[str], out: str | None, said: str) -> None:
    ran = process(here, "--yes", *options, out=out)
    assert ran.returncode == 1
    assert re.search(said, ran.stderr.splitlines()[-1])
    assert jobs(here) == []


def test_what_is_not_there_and_where_shards_cannot_go(here: Path) -> None:
    place = f"s3://cars/{here.name}"
    for verb, said in [
        (["prep", "pairs", f"{place}/imagos", f"{place}/in/masks", "--out", f"{place}/o"], "imagos: nothing is there"),
        (["prep", "pairs", "in/images", f"{place}/in/masks", "--out", f"{place}/o"], "in/images: a folder of this ma"),
        (
            ["prep", "pairs", f"{place}/in/images", f"{place}/in/masks", "--out", "o"],
            "--out o: the machines of AWS leave",
        ),
        (["prep", "labelme", place, "--images", "in/images", "--out", f"{place}/o"], "in/images: a folder of this ma"),
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
    secured = ["--kms-key", "key", "--subnets", "subnet-1", "--security-groups", "sg-1,sg-2", "--network-isolation"]
    named = [*WORDS, "--mask-name", "{stem}"]
    asked = ["--dry-run", "--instances", "5", *secured, "--instance-type", "ml.c5.xlarge,ml.m5.xlarge"]
    ran = process(here, *asked, words=named)
    assert ran.returncode == 0, ran.stderr
    request: dict[str, Any] = json.loads(ran.stdout)
    given = [each["S3Input"]["S3Uri"].removeprefix(f"s3://cars/{here.name}") for each in request["ProcessingInputs"]]
    assert given[:2] == ["/in/images/", "/in/masks/"]  # what a container without network cannot fetch itself
    assert given[2].endswith("/classes.txt")
    cluster = request["ProcessingResources"]["ClusterConfig"]
    assert cluster == {
        "InstanceCount": 5,
        "InstancePreferences": [{"InstanceType": "ml.c5.xlarge"}, {"InstanceType": "ml.m5.xlarge"}],
        "VolumeSizeInGB": 100,
        "VolumeKmsKeyId": "key",
    }
    assert request["ProcessingOutputConfig"]["KmsKeyId"] == "key"
    assert request["NetworkConfig"] == {
        "VpcConfig": {"SecurityGroupIds": ["sg-1", "sg-2"], "Subnets": ["subnet-1"]},
        "EnableNetworkIsolation": True,
    }
    assert jobs(here) == []
    keys = [
        found["Key"] for found in aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix=here.name)["Contents"]
    ]
    assert not [key for key in keys if "/out" in key]

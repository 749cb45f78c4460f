"""A pipeline as at AWS: what is sent, what it may cost, and what is refused before anything is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.aws_setup import ROLE, aws_client, no_price_list, use_aws
from tests.support.emulator_setup import SLEEPS, programs, wait_until
from tests.support.pair_samples import make
from tests.support.pipeline_samples import IMAGE
from tests.support.pipeline_setup import create, fail
from tests.support.typed_commands import Ran, typed

EXPERIMENT = """
prep: {{pairs: ['s3://cars/{0}/in/images', 's3://cars/{0}/in/masks'], labels: in/classes.txt, crop: none}}
process: {{max_hours: 1}}
train: {{epochs: 1, max_runtime: 3600}}
predict: {{}}
report: {{}}
gate: {{least: mean_iou=0.5}}
"""


@pytest.fixture
def here(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an experiment and its list of classes, whose images and masks lie in S3 under its name; an emulator
    in SageMaker's place, whose processing jobs take their time."""
    from jobs.emulator.server import running_server

    make(tmp_path / "in", "images/{}.jpg", "masks/{}.png")
    (tmp_path / "experiment.yaml").write_text(EXPERIMENT.format(tmp_path.name))
    use_aws(monkeypatch, moto)
    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    s3 = aws_client("s3", moto)
    for path in (tmp_path / "in").rglob("*.*"):
        s3.upload_file(str(path), "cars", f"{tmp_path.name}/{path.relative_to(tmp_path).as_posix()}")
    slow = programs(tmp_path / "programs", process=SLEEPS)
    with running_server(tmp_path / "sagemaker", programs=slow, grace_seconds=0) as server:
        use_aws(monkeypatch, moto, sagemaker=server.url, cloudwatch_logs=server.url)
        monkeypatch.setitem(POLL_SECONDS, "aws", 0.05)
        yield tmp_path


def pipeline(here: Path, *words: str, stands: Path | None = None) -> Ran:
    common = ["--image", IMAGE, "--role", ROLE, "--out", f"s3://cars/{here.name}/out", "--name", "cars"]
    return typed(["jobs", "pipeline", *common, str(here / "experiment.yaml"), *words], stands or here)


def sagemaker() -> Any:
    from aws.clients import make_client

    return make_client("sagemaker", None)


def keys(here: Path, moto: str) -> list[str]:
    listed = aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix=f"{here.name}/")["Contents"]
    return [found["Key"].removeprefix(f"{here.name}/") for found in listed]


def test_it_is_sent_priced_started_once_shown_and_stopped(here: Path, moto: str) -> None:
    printed = pipeline(here)
    assert printed.returncode == 0, printed.stderr
    assert pipeline(here, "--start", "--dry-run").stdout == printed.stdout
    assert sagemaker().list_pipelines()["PipelineSummaries"] == []
    assert not [key for key in keys(here, moto) if key.startswith("out")]

    ran = pipeline(
        here, "--start", "--no-wait", "--max-cost", "20", stands=here / "in"
    )  # which holds no in/classes.txt
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^Prepare: 2 × ml.c5.2xlarge: \$.*\n(.*\n)*the pipeline: at worst \$", ran.stderr, re.MULTILINE)
    (sent,) = [key for key in keys(here, moto) if key.startswith("out")]
    (uri,) = {
        given["S3Input"]["S3Uri"]
        for given in json.loads(printed.stdout)["Steps"][0]["Arguments"]["ProcessingInputs"]
        if given["S3Input"]["S3Uri"].endswith("classes.txt")
    }
    assert uri == f"s3://cars/{here.name}/{sent}"

    again = pipeline(here, "--start", "--no-wait", "--yes")
    assert again.stdout == ran.stdout
    assert "note: an execution of cars is under way" in again.stderr
    shown = typed(["jobs", "show", "cars"], here)
    assert re.search(r"^status +Executing$", shown.stdout, re.MULTILINE), shown.stderr
    stopped = typed(["jobs", "stop", "cars"], here)
    assert stopped.stdout == "cars: stopping\n", stopped.stderr
    wait_until(lambda: "Stopped" in typed(["jobs", "show", "cars"], here).stdout)
    goes_on = pipeline(here, "--start", "--retry", "--no-wait", "--yes")
    assert goes_on.stdout == ran.stdout, goes_on.stderr
    typed(["jobs", "stop", "cars"], here)


def test_a_dataset_is_taken_where_one_lies_in_s3(here: Path, moto: str) -> None:
    text = (here / "experiment.yaml").read_text().splitlines()[2:]
    place = f"s3://cars/{here.name}/made"
    for dataset, said in [
        (place, f"experiment.yaml: dataset: {place}/dataset.json: nothing is there"),
        ("in", r"dataset: in: AWS's machines read it from S3; put it there \(aws s3 sync in s3://bucket/prefix\)"),
    ]:
        (here / "experiment.yaml").write_text("\n".join([f"dataset: {dataset}", *text]))
        assert re.search(said, pipeline(here).stderr.splitlines()[-1])
    aws_client("s3", moto).put_object(Bucket="cars", Key=f"{here.name}/made/dataset.json", Body=b"{}")
    (here / "experiment.yaml").write_text("\n".join([f"dataset: {place}/", *text]))
    parameters = {each["Name"]: each["DefaultValue"] for each in json.loads(pipeline(here).stdout)["Parameters"]}
    assert parameters["Dataset"] == place


def test_who_asks_again_after_the_same_execution_gets_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where AWS's answer was lost and its list does not tell yet, or where two ask at once."""
    monkeypatch.setattr("jobs.pipelines.start.under_way", lambda *_: None)
    monkeypatch.setattr("jobs.pipelines.start.latest_execution", lambda *_: None)
    first, second = (pipeline(here, "--start", "--no-wait", "--yes") for _ in range(2))
    assert first.stdout == second.stdout != "", second.stderr
    assert len(sagemaker().list_pipeline_executions(PipelineName="cars")["PipelineExecutionSummaries"]) == 1
    typed(["jobs", "stop", "cars"], here)


def test_only_what_did_not_succeed_is_retried(here: Path) -> None:
    ran = pipeline(here, "--start", "--retry", "--yes")
    said = "error: --retry: the latest execution of cars: never started; leave it out, and another one starts"
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (1, said)


def test_tags_are_brought_up_to_date_and_those_of_others_stay(here: Path, moto: str) -> None:
    def tags(*words: str) -> dict[str, str]:
        ran = pipeline(here, "--start", "--no-wait", "--yes", *words)
        assert ran.returncode == 0, ran.stderr
        typed(["jobs", "stop", "cars"], here)
        wait_until(lambda: "Stopped" in typed(["jobs", "show", "cars"], here).stdout)
        return {tag["Key"]: tag["Value"] for tag in sagemaker().list_tags(ResourceArn=arn())["Tags"]}

    def arn() -> str:
        return str(sagemaker().describe_pipeline(PipelineName="cars")["PipelineArn"])

    assert tags("--tags", "team=vision") == {"team": "vision"}
    sagemaker().add_tags(ResourceArn=arn(), Tags=[{"Key": "theirs", "Value": "1"}])
    assert tags("--tags", "team=cars,cost=7") == {"team": "cars", "cost": "7", "theirs": "1"}


def test_only_one_command_of_a_machine_starts_at_a_time(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another has started meanwhile is gone on with."""
    first = pipeline(here, "--start", "--no-wait", "--yes")
    looks = iter([None, first.stdout.strip()])
    monkeypatch.setattr("jobs.pipelines.start.under_way", lambda *_: next(looks))
    ran = pipeline(here, "--start", "--no-wait", "--yes")
    assert ran.stdout == first.stdout != "", ran.stderr
    assert len(sagemaker().list_pipeline_executions(PipelineName="cars")["PipelineExecutionSummaries"]) == 1
    typed(["jobs", "stop", "cars"], here)


def test_a_strangers_pipeline_is_left_as_it_is(here: Path) -> None:
    create(sagemaker(), fail())
    before = sagemaker().describe_pipeline(PipelineName="cars")["PipelineDefinition"]
    ran = pipeline(here, "--start", "--yes")
    assert "pipeline cars: is there already, and is none of this project's; choose another --name" in ran.stderr
    assert sagemaker().describe_pipeline(PipelineName="cars")["PipelineDefinition"] == before


def test_what_is_refused_before_anything_is_there(here: Path) -> None:
    for words, said in [
        (["--start", "--max-cost", "1"], r"the pipeline: may cost \$[\d.]+, more than --max-cost 1; lower max_runtime"),
        (["--start"], "this costs money and nobody is there to ask; add --yes, or --max-cost USD"),
        (["--out", "s3://cars"], "--out s3://cars: a whole bucket"),
        (["--out", "here"], "--out here: on AWS an execution writes to S3"),
        (["--name", "a_b"], "--name a_b: expected letters of A to Z"),
    ]:
        ran = pipeline(here, *words)
        assert ran.returncode == 1
        assert re.search(said, ran.stderr.splitlines()[-1])
    text = (here / "experiment.yaml").read_text().replace(f"s3://cars/{here.name}/in/masks", "in/masks")
    (here / "experiment.yaml").write_text(text)
    ran = pipeline(here, "--start", "--yes")
    assert ran.returncode == 1
    assert "section prep: in/masks: a folder of this machine, which AWS's machines cannot read" in ran.stderr
    assert sagemaker().list_pipelines()["PipelineSummaries"] == []

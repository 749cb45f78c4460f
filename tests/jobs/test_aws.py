"""A training as on AWS, from its quote to its record: moto is S3, STS and CloudWatch, the emulator is SageMaker."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.texts.json_text import format_json
from formats.version import tool_version
from jobs.cli import app
from jobs.tracking.find_jobs import find_training
from jobs.tracking.gpu_use import gpu_use
from jobs.tracking.records import JobRecord, read_record, record_names
from jobs.tracking.trained_model import find_model
from tests.support.aws_cli import aws
from tests.support.aws_setup import REGION, ROLE, aws_client, use_aws
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.emulator_setup import emulator
from tests.support.jobs_on_aws import train


def test_a_job_is_quoted_uploaded_followed_and_recorded(dataset: Dataset, sagemaker: str, moto: str) -> None:
    ran = train(dataset, "--max-cost", "200")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines() == [
        "cars: Completed",
        "s3://cars/one/output/cars/output/model.tar.gz",
    ]
    said = ran.stderr
    assert "ml.g5.2xlarge: $1.515 per hour (this project's table of 2026-11-21); at worst $36.36" in said
    assert said.count("note: AWS's price list was not to be had: asking for the price: AccessDenied") == 1
    assert "if it moves on: ml.g4dn.2xlarge: $0.94 per hour" in said
    assert "started cars on the first of ml.g5.2xlarge, ml.g4dn.2xlarge that has capacity" in said
    assert "s3://cars/one: 8 files sent, 0 were there" in said
    assert "epoch 2/2  loss 0.2500  mIOU 0.7500  pixel accuracy 0.9000" in said
    record = read_record("cars")
    assert record.arn.endswith(":training-job/cars")
    assert [kind["InstanceType"] for kind in record.request["ResourceConfig"]["InstancePreferences"]] == [
        "ml.g5.2xlarge",
        "ml.g4dn.2xlarge",
    ]
    assert record.classes == ["_background_", "car"]
    assert datetime.fromisoformat(record.created).tzinfo == UTC
    assert record.cost["worst_usd"] == pytest.approx(24 * 1.515)
    assert record.cost["actual_usd"] == pytest.approx(record.description["BillableTimeInSeconds"] * 1.515 / 3600)
    assert [epoch["validation_mIOU"] for epoch in record.epochs] == [0.5, 0.75]
    tags = {tag["Key"]: tag["Value"] for tag in record.request["Tags"]}
    assert tags == {"sageseg:dataset": record.dataset_sha256[:16]}
    assert f"{'dataset':16}{record.dataset_sha256[:16]}" in CliRunner().invoke(app, ["show", "cars"]).stdout


@pytest.mark.parametrize(
    "words",
    [
        ("train", "--max-cost", "200"),
        ("train", "--algorithm=deeplab", "--backbone", "resnet-101", "--epochs", "3", "--yes", "--tags", "team=vision"),
        ("train", "--instance-type", "ml.p3.2xlarge", "--spot", "--volume-size", "60", "--yes", "--base-size", "300"),
        (
            "tune",
            "--yes",
            "--max-jobs",
            "2",
            "--range",
            "learning_rate=1e-4:1e-1",
            "--strategy",
            "Random",
            "--seed",
            "3",
        ),
    ],
)
def test_the_request_is_made_again_from_the_record(dataset: Dataset, sagemaker: str, words: tuple[str, ...]) -> None:
    common = ("--data", "s3://cars/again", "--role", ROLE, "--name", "cars", "--mini-batch-size", "1", "--no-wait")
    started = CliRunner().invoke(app, [words[0], str(dataset.root), *common, *words[1:]])
    assert started.exit_code == 0, started.output
    record = read_record("cars")
    assert record.tool_version == tool_version()
    again = CliRunner().invoke(app, [*record.command, "--dry-run"])
    assert again.stdout == format_json(record.request) + "\n"


ON_THE_PROCESSOR = """
stamp = "[11/28/2026 10:0{}:00 INFO 1] "
print(stamp.format(0) + "training on 4 processor cores, float32")
print(stamp.format(0) + "LRScheduler setup: iters per epoch: 2, num_epochs 3")
for epoch in range(3):
    print(stamp.format(epoch + 1) + f"#quality_metric. host: algo-1, epoch: {epoch}, train loss: 0.25 .")
    print(f"#throughput_metric. host: algo-1, epoch: {epoch}, train throughput: 2.0 samples/sec.")
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, validation mIOU: 0.5 .")
    print(f"#throughput_metric. host: algo-1, epoch: {epoch}, validation throughput: 4.0 samples/sec.")
"""


def test_on_this_machine_it_says_what_really_runs_and_how_long(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    words = ("--backend", "local", "--algorithm", "unet", "--mini-batch-size", "1", "--epochs", "3")
    with emulator(tmp_path, ON_THE_PROCESSOR):  # its home is this one, so that no other is started
        first = CliRunner().invoke(app, ["train", str(dataset.root), *words, "--name", "first"])
        assert first.exit_code == 0, first.output
        again = CliRunner().invoke(app, ["train", str(dataset.root), *words, "--name", "again", "--dry-run"])
        other = CliRunner().invoke(app, ["train", str(dataset.root), *words, "--crop-size", "64", "--dry-run"])
        assert f"{'instance':16}this machine" in CliRunner().invoke(app, ["show", "first"]).stdout.splitlines()
        assert find_model("first").facts.instance_type == "this machine"
    said = first.stderr.splitlines()
    assert "started first on this machine" in said
    assert "training on 4 processor cores, float32" in said
    assert not [line for line in said if "ml.m5" in line or "likely" in line]
    # 3 epochs of 3 images at 2.0 and 1 at 4.0 a second
    assert "likely 5 s of training (an estimate, by 2 images/s of job first)" in again.stderr.splitlines()
    assert "likely" not in other.stderr


def test_another_machine_finds_the_job_and_its_record(
    dataset: Dataset, sagemaker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert train(dataset, "--yes", name="found").exit_code == 0
    here = read_record("found")
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "elsewhere"))
    assert record_names() == []
    listed = CliRunner().invoke(app, ["list"]).stdout.splitlines()[1:]
    assert [line.split()[:4] for line in listed] == [["found", "Completed", "Completed", "aws"]]
    there = find_training("found").record
    assert (there.classes, there.dataset_sha256, there.request) == (here.classes, here.dataset_sha256, here.request)
    assert there.cost == here.cost
    shown = CliRunner().invoke(app, ["metrics", "found", "--json"])
    assert [epoch["validation_mIOU"] for epoch in json.loads(shown.stdout)] == [0.5, 0.75]
    with pytest.raises(SagesegError, match=r"nobody: no job of that name under .*, nor at AWS in us-east-1"):
        find_training("nobody")


def test_only_this_projects_jobs_are_listed_and_all_pages(
    dataset: Dataset, sagemaker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("jobs.tracking.list_jobs._PAGE", 1)
    assert train(dataset, "--yes", name="first").exit_code == 0
    assert train(dataset, "--yes", name="second").exit_code == 0
    request = read_record("first").request | {"TrainingJobName": "strangers", "Tags": [{"Key": "a", "Value": "b"}]}
    aws_client("sagemaker", sagemaker).create_training_job(**request)
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "elsewhere"))
    listed = CliRunner().invoke(app, ["list", "--json"]).stdout
    assert {job["name"] for job in json.loads(listed)} == {"first", "second"}


def test_scores_of_training_images_are_called_so_all_the_way(tmp_path: Path, sagemaker: str, moto: str) -> None:
    images = {f"car{number}_01": disc_image(16, 16, seed=number) for number in range(3)}
    splits = dict.fromkeys(images, "train")
    only_train = make_channels(make_dataset(tmp_path / "only-train", images, splits=splits))
    ran = train(only_train, "--yes", "--validate-on", "train", name="on-train", prefix="on-train")
    assert ran.exit_code == 0, ran.output
    assert "epoch 2/2  loss 0.2500  training mIOU 0.7500" in ran.stderr
    assert "training_mIOU" in CliRunner().invoke(app, ["metrics", "on-train"]).stdout
    assert "training:mIOU" in CliRunner().invoke(app, ["show", "on-train"]).stdout


def test_a_new_job_takes_an_earlier_ones_hyperparameters(dataset: Dataset, sagemaker: str) -> None:
    assert train(dataset, "--yes", "--epochs", "7", "--crop-size", "64", name="model-job").exit_code == 0
    ran = train(dataset, "--like", "model-job", "--crop-size", "32", "--dry-run", name="next")
    settings = json.loads(ran.stdout)["HyperParameters"]
    assert (settings["epochs"], settings["crop_size"]) == ("7", "32")
    ran = train(dataset, "--model", "model-job", "--dry-run", name="next")
    request = json.loads(ran.stdout)
    assert request["HyperParameters"]["crop_size"] == "64"
    assert request["InputDataConfig"][-1]["DataSource"]["S3DataSource"]["S3Uri"] == (
        "s3://cars/one/output/model-job/output/model.tar.gz"
    )


def test_the_aws_cli_takes_what_a_dry_run_prints(dataset: Dataset, sagemaker: str, tmp_path: Path) -> None:
    assert train(dataset, "--yes", name="uploads").exit_code == 0  # brings the data
    printed = train(dataset, "--dry-run", "--spot", "--tags", "team=vision", name="by-cli").stdout
    (tmp_path / "request.json").write_text(
        printed.replace('"s3://cars/one/output/checkpoints/by-cli"', f'"{tmp_path.as_uri()}"')
    )
    ran = aws(["sagemaker", "create-training-job", "--cli-input-json", "file://request.json"], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["TrainingJobArn"].endswith("training-job/by-cli")
    described = aws_client("sagemaker", sagemaker).describe_training_job(TrainingJobName="by-cli")
    assert described["HyperParameters"] == json.loads(printed)["HyperParameters"]
    assert described["EnableManagedSpotTraining"] is True


def test_gpu_use_comes_from_cloudwatch_where_it_has_any(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_aws(monkeypatch, moto)
    now = datetime.now(UTC)
    description = {"TrainingStartTime": now - timedelta(minutes=3), "TrainingEndTime": now}
    record = JobRecord("busy", "aws", REGION, "", "", [], {})
    assert gpu_use(record, description) == {}
    for value in (40.0, 80.0):
        aws_client("cloudwatch", moto).put_metric_data(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricData=[
                {
                    "MetricName": "GPUUtilization",
                    "Dimensions": [{"Name": "Host", "Value": "busy/algo-1"}],
                    "Timestamp": now - timedelta(minutes=1 + value / 40),
                    "Value": value,
                }
            ],
        )
    use = gpu_use(record, description)
    assert set(use) == {"GPUUtilization"}
    assert (use["GPUUtilization"].mean, use["GPUUtilization"].highest) == (60.0, 80.0)

"""The verbs as on AWS: moto is S3, STS and CloudWatch, the emulator is SageMaker and its logs."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from formats.console import run_app
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.texts.json_text import format_json
from formats.version import tool_version
from jobs.cli import app
from jobs.tracking.find_jobs import find_training
from jobs.tracking.gpu_use import gpu_use
from jobs.tracking.records import JobRecord, read_record, record_names, record_path
from jobs.tracking.trained_model import find_model
from tests.support.aws_cli import aws
from tests.support.aws_setup import (
    REGION,
    SECRET,
    TOKEN,
    Terminal,
    aws_client,
    error_of,
    moto_server,
    no_price_list,
    use_aws,
)
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.emulator_setup import SLEEPS, emulator, rehearse

ROLE = "arn:aws:iam::123456789012:role/SageMaker"
TRAINS = """
(root / "model" / "weights").write_text("trained")
print("LRScheduler setup: iters per epoch: 2, num_epochs 2")
for epoch, score in enumerate(["0.5", "0.75"]):
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, train loss: 0.25 .")
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, validation pixel_accuracy: 0.9 .")
    print(f"#quality_metric. host: algo-1, epoch: {epoch}, validation mIOU: {score} .")
"""
FAILS = """
print("nearly there")
(root / "output").mkdir(exist_ok=True)
(root / "output" / "failure").write_text("CUDA out of memory")
sys.exit(1)
"""
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        s3 = aws_client("s3", url)
        s3.create_bucket(Bucket="cars")
        yield url


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = {f"car{number}_01": disc_image(16, 16, seed=number) for number in range(4)}
    splits = {stem: "val" if stem == "car0_01" else "train" for stem in images}
    return make_channels(make_dataset(tmp_path / "dataset", images, splits=splits))


@pytest.fixture
def sagemaker(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An emulator in SageMaker's place, whose jobs train at once."""
    yield from _sagemaker(tmp_path, moto, monkeypatch, TRAINS)


def _sagemaker(folder: Path, moto: str, monkeypatch: pytest.MonkeyPatch, source: str) -> Iterator[str]:
    use_aws(monkeypatch, moto)
    monkeypatch.setitem(sys.modules["jobs.tracking.job_calls"].__dict__["POLL_SECONDS"], "aws", 0.05)
    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    with emulator(folder / "sagemaker", source) as (_, _, server):
        use_aws(monkeypatch, moto, sagemaker=server.url, cloudwatch_logs=server.url)
        yield server.url


def train(dataset: Dataset, *words: str, name: str = "cars", prefix: str = "one") -> Result:
    common = ("--data", f"s3://cars/{prefix}", "--role", ROLE, "--name", name, "--mini-batch-size", "1")
    return CliRunner().invoke(app, ["train", str(dataset.root), *common, *words])


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


MOVING = ("--yes", "--spot", "--instance-type", "ml.p3.2xlarge,ml.g5.2xlarge,ml.g4dn.2xlarge")
"""Spot takes no list, so that the types are tried one by one."""
UNSEEN = {"ListServiceQuotas": 9}
"""Nobody tells of the quotas before they are met."""
QUOTA_THEN_CAPACITY = {
    "quotas": {"ml.p3.2xlarge for spot training job usage": 0},
    "training_jobs": {"ml.g5.2xlarge": {"capacity_error": True}},
    "calls": UNSEEN,
}
NO_CAPACITY = {"training_jobs": {"ml.p3.2xlarge": {"capacity_error": True}}, "calls": UNSEEN}
QUOTAS = {"quotas": {f"ml.{kind}.2xlarge for spot training job usage": 0 for kind in ("p3", "g5")}, "calls": UNSEEN}


def test_it_moves_on_from_a_quota_and_from_missing_capacity(dataset: Dataset, sagemaker: str, tmp_path: Path) -> None:
    rehearse(tmp_path / "sagemaker", QUOTA_THEN_CAPACITY)
    ran = train(dataset, *MOVING, name="moving")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines()[0] == "moving-3: Completed"
    said = ran.stderr
    assert "note: no quota was looked at: listing the quotas of SageMaker: ThrottlingException" in said
    assert "refused: creating training job moving: ResourceLimitExceeded" in said
    assert "moving on to ml.g5.2xlarge as moving-2 (ml.g5.2xlarge: $1.515 per hour" in said
    assert "no capacity: moving-2: Failed: CapacityError" in said
    assert record_names() == ["moving-2", "moving-3"]  # a refused job leaves no record


def test_the_service_moves_on_by_itself_along_a_list(dataset: Dataset, sagemaker: str, tmp_path: Path) -> None:
    """With --no-wait nobody is there to move on."""
    rehearse(tmp_path / "sagemaker", {"training_jobs": {"ml.g5.2xlarge": {"capacity_error": True}}})
    ran = train(dataset, "--yes", "--no-wait", name="listed")
    assert (ran.exit_code, ran.stdout) == (0, "listed\n")
    assert CliRunner().invoke(app, ["logs", "listed", "--follow"]).exit_code == 0
    record = read_record("listed")
    seconds = record.description["BillableTimeInSeconds"]
    assert record.cost["actual_usd"] == pytest.approx(seconds * 0.94 / 3600)
    shown = CliRunner().invoke(app, ["show", "listed"]).stdout
    assert "ml.g4dn.2xlarge (chosen from ml.g5.2xlarge or ml.g4dn.2xlarge)" in shown
    assert find_model("listed").facts.instance_type == "ml.g4dn.2xlarge"


@pytest.mark.parametrize("name", ["cars-2", "fcn-cars-20261121-010203"])
@pytest.mark.parametrize("kinds", ["ml.g5.2xlarge", "ml.g5.2xlarge,ml.g4dn.2xlarge"])
def test_a_name_that_ends_in_a_number_is_no_later_attempt_of_itself(
    dataset: Dataset, sagemaker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kinds: str
) -> None:
    assert train(dataset, "--yes", "--instance-type", kinds, name=name).exit_code == 0
    for home in ("sageseg-home", "elsewhere"):
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / home))
        shown = CliRunner().invoke(app, ["show", name])
        assert f"{'name':16}{name}" in shown.stdout.splitlines(), shown.exception
        assert "was moved on" not in shown.stderr


def test_a_list_of_which_none_has_capacity_fails_and_is_not_tried_again(
    dataset: Dataset, sagemaker: str, tmp_path: Path
) -> None:
    rehearse(tmp_path / "sagemaker", {"training_jobs": {"ml.*": {"capacity_error": True}}})
    assert "full: Failed: CapacityError" in error_of(train(dataset, "--yes", name="full"))
    assert record_names() == ["full"]
    shown = CliRunner().invoke(app, ["show", "full"]).stdout
    assert "ml.g5.2xlarge or ml.g4dn.2xlarge: none chosen yet" in shown


def test_types_without_a_quota_are_left_out_before_anything_is_sent(
    dataset: Dataset, sagemaker: str, moto: str, tmp_path: Path
) -> None:
    rehearse(tmp_path / "sagemaker", {"quotas": {"ml.g5.* for training job usage": 0}})
    ran = train(dataset, "--yes", name="dropped")
    assert ran.exit_code == 0, ran.output
    quota = "this account's quota 'ml.g5.2xlarge for training job usage' is 0"
    assert f"note: ml.g5.2xlarge is not tried: {quota}" in ran.stderr.splitlines()
    assert "started dropped on ml.g4dn.2xlarge" in ran.stderr.splitlines()
    refused = train(dataset, "--yes", "--instance-type", "ml.g5.xlarge", name="none", prefix="no-quota")
    assert "--instance-type ml.g5.xlarge: this account's quota for training jobs is 0" in error_of(refused)
    assert not aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix="no-quota/").get("Contents")


@pytest.mark.parametrize("quotas", [{"ml.g5.2xlarge": 0}, {"ml.g4dn.2xlarge": 0}])
def test_a_list_that_is_refused_is_tried_type_by_type(
    dataset: Dataset, sagemaker: str, tmp_path: Path, quotas: dict[str, int]
) -> None:
    """AWS refuses a list whole where one type has no quota."""
    told = {f"{kind} for training job usage": limit for kind, limit in quotas.items()}
    rehearse(tmp_path / "sagemaker", {"quotas": told, "calls": UNSEEN})
    ran = train(dataset, "--yes", name="one")
    assert ran.exit_code == 0, ran.output
    assert re.search(
        r"refused: creating .*ResourceLimitExceeded.*; the instance types are tried one by one", ran.stderr
    )
    last, kind = ("one-2", "ml.g4dn.2xlarge") if "ml.g5.2xlarge" in quotas else ("one", "ml.g5.2xlarge")
    assert ran.stdout.splitlines()[0] == f"{last}: Completed"
    assert record_names() == [last]
    assert read_record(last).request["ResourceConfig"]["InstanceType"] == kind


@pytest.mark.parametrize("place", ["where it was started", "another machine"])
@pytest.mark.parametrize(
    ("plan", "attempt"), [(QUOTA_THEN_CAPACITY, "moving-3"), (NO_CAPACITY, "moving-2"), (QUOTAS, "moving-3")]
)
def test_the_name_that_was_given_finds_what_became_of_it(
    dataset: Dataset,
    sagemaker: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plan: dict[str, dict[str, int]],
    attempt: str,
    place: str,
) -> None:
    rehearse(tmp_path / "sagemaker", plan)
    assert train(dataset, *MOVING, name="moving").exit_code == 0
    if place == "another machine":
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "elsewhere"))
    shown = CliRunner().invoke(app, ["show", "moving"])
    assert f"{'name':16}{attempt}" in shown.stdout.splitlines()
    assert f"{'status':16}Completed (Completed)" in shown.stdout.splitlines()
    kind = {"moving-2": "ml.g5.2xlarge", "moving-3": "ml.g4dn.2xlarge"}[attempt]
    assert f"note: moving was moved on to {kind} and is {attempt} now" in shown.stderr.splitlines()
    assert "validation mIOU: 0.75" in CliRunner().invoke(app, ["logs", "moving"]).stdout
    metrics = json.loads(CliRunner().invoke(app, ["metrics", "moving", "--json"]).stdout)
    assert [epoch["validation_mIOU"] for epoch in metrics] == [0.5, 0.75]
    requests = json.loads(CliRunner().invoke(app, ["deploy", "moving", "--dry-run"]).stdout)
    assert requests["CreateModel"]["PrimaryContainer"]["ModelDataUrl"].endswith(f"/{attempt}/output/model.tar.gz")
    assert requests["CreateEndpoint"]["EndpointName"] == "moving"
    like = json.loads(train(dataset, "--model", "moving", "--dry-run", name="next").stdout)
    assert f"/{attempt}/" in like["InputDataConfig"][-1]["DataSource"]["S3DataSource"]["S3Uri"]
    # each attempt is found by its own name, without a word
    assert "was moved on" not in CliRunner().invoke(app, ["show", attempt]).stderr


def test_a_name_that_was_moved_on_is_taken_and_a_job_that_only_looks_like_an_attempt_is_not_found(
    dataset: Dataset, sagemaker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(dataset, "--yes", name="other-2").exit_code == 0
    rehearse(tmp_path / "sagemaker", QUOTA_THEN_CAPACITY)
    assert train(dataset, *MOVING, name="moving").exit_code == 0
    assert error_of(train(dataset, "--yes", "--instance-type", "ml.g4dn.xlarge", name="moving")) == (
        "moving: a job of that name was started from this folder, and runs as moving-3; choose another --name"
    )
    for home in ("sageseg-home", "elsewhere"):
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / home))
        with pytest.raises(SagesegError, match=r"^other: no job of that name"):
            find_training("other")


def test_a_job_that_failed_of_itself_is_what_its_name_finds(
    dataset: Dataset, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for _ in _sagemaker(tmp_path, moto, monkeypatch, FAILS):
        train(dataset, "--yes", name="failing")
        for home in ("sageseg-home", "elsewhere"):
            monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / home))
            assert find_training("failing").record.name == "failing"


def test_a_failed_job_shows_reason_log_link_and_cure(
    dataset: Dataset, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for _ in _sagemaker(tmp_path, moto, monkeypatch, FAILS):
        ran = train(dataset, "--yes", name="failing")
    assert "CUDA out of memory" in error_of(ran)
    assert error_of(ran).endswith(
        "the GPU's memory is too small: --mini-batch-size 1, or --instance-type ml.g4dn.12xlarge"
    )
    assert "\n" not in error_of(ran)
    assert "  nearly there" in ran.stderr.splitlines()
    assert "console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/failing" in ran.stderr
    assert read_record("failing").description["TrainingJobStatus"] == "Failed"


@pytest.mark.parametrize(
    ("stdin", "said", "status"),
    [
        (Terminal("s\n"), "waits: stopping", "Stop"),
        (Terminal("\n"), "waits goes on; sageseg jobs logs waits --follow watches it again", "InProgress"),
        (StringIO(), "waits goes on; sageseg jobs logs waits --follow watches it again", "InProgress"),
    ],
    ids=["stop", "leave", "nobody"],
)
def test_ctrl_c_asks_whether_to_stop_the_job(
    dataset: Dataset,
    moto: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    stdin: StringIO,
    said: str,
    status: str,
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    for url in _sagemaker(tmp_path, moto, monkeypatch, SLEEPS):
        monkeypatch.setattr("jobs.tracking.job_calls.sleep", interrupt)
        monkeypatch.setattr("sys.stdin", stdin)
        words = ["train", str(dataset.root), "--data", "s3://cars/one", "--role", ROLE, "--name", "waits"]
        monkeypatch.setattr("sys.argv", ["jobs", *words, "--mini-batch-size", "1", "--yes"])
        with pytest.raises(SystemExit) as ended:
            run_app(app)
        described = aws_client("sagemaker", url).describe_training_job(TrainingJobName="waits")
    assert ended.value.code == 130
    assert said in capsys.readouterr().err
    assert described["TrainingJobStatus"].startswith(status)


def test_nothing_is_started_or_left_when_it_is_refused(dataset: Dataset, sagemaker: str, moto: str) -> None:
    def nothing_left() -> bool:
        listed = aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix="refused/")
        return not listed.get("Contents") and not record_path("cars").exists()

    for words, message in (
        ((), "nobody is there to ask; add --yes"),
        (("--max-cost", "1"), "may cost $36.36"),
        (("--region", "eu-west-1", "--max-cost", "9"), "price is unknown, so --max-cost 9 cannot be kept"),
        (("--yes", "--region", "eu-west-1"), "bucket cars: in region us-east-1, but the job in eu-west-1"),
        (("--yes", "--output", "s3://nobody/x"), "bucket nobody: there is none"),
    ):
        assert message in error_of(train(dataset, *words, prefix="refused"))
        assert nothing_left()


def test_what_the_check_finds_stops_a_job_before_money_is_spent(dataset: Dataset, sagemaker: str, moto: str) -> None:
    dataset.mask_path("car1_01").write_bytes(b"no png")
    dataset.image_path("car2_01").write_bytes(b"no jpeg")
    said = error_of(train(dataset, "--yes", prefix="unchecked"))
    assert str(dataset.root) in said
    assert "more; sageseg prep check shows all)" in said
    assert not aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix="unchecked/").get("Contents")


def test_scores_of_training_images_are_called_so_all_the_way(tmp_path: Path, sagemaker: str, moto: str) -> None:
    images = {f"car{number}_01": disc_image(16, 16, seed=number) for number in range(3)}
    splits = dict.fromkeys(images, "train")
    only_train = make_channels(make_dataset(tmp_path / "only-train", images, splits=splits))
    ran = train(only_train, "--yes", "--validate-on", "train", name="on-train", prefix="on-train")
    assert ran.exit_code == 0, ran.output
    assert "epoch 2/2  loss 0.2500  training mIOU 0.7500" in ran.stderr
    assert "training_mIOU" in CliRunner().invoke(app, ["metrics", "on-train"]).stdout
    assert "training:mIOU" in CliRunner().invoke(app, ["show", "on-train"]).stdout


def test_a_name_that_is_taken_says_so_before_anything_is_sent(
    dataset: Dataset, sagemaker: str, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(dataset, "--yes", name="taken").exit_code == 0
    assert "taken: a job of that name was started from this folder; sageseg jobs logs taken --follow" in error_of(
        train(dataset, "--yes", name="taken")
    )
    monkeypatch.setenv("SAGESEG_HOME", str(Path(os.environ["SAGESEG_HOME"]) / "other"))
    for name, attempt in (("taken", "taken"), ("other", "other-2")):
        if attempt != name:
            assert train(dataset, "--yes", name=attempt).exit_code == 0
            monkeypatch.setenv("SAGESEG_HOME", str(Path(os.environ["SAGESEG_HOME"]) / "third"))
        refused = error_of(train(dataset, "--yes", name=name, prefix="unsent"))
        assert (
            refused == f"{attempt}: a training job of that name is at AWS in us-east-1 already; choose another --name"
        )
        assert record_names() == []
    assert not aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix="unsent/").get("Contents")


def test_expired_credentials_are_one_line_and_nothing_was_sent(
    dataset: Dataset, sagemaker: str, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    class Expired:
        def get_caller_identity(self) -> None:
            error = {
                "Code": "ExpiredToken",
                "Message": f"The security token {TOKEN} included in the request is expired",
            }
            raise ClientError({"Error": error}, "GetCallerIdentity")

    monkeypatch.setattr("aws.identity.make_client", lambda *_: Expired())
    said = error_of(train(dataset, "--yes", prefix="expired"))
    assert "ExpiredToken" in said
    assert "aws sso login" in said
    assert not aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix="expired/").get("Contents")


def test_without_credentials_it_says_how_to_get_some(
    dataset: Dataset, sagemaker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    said = error_of(train(dataset, "--yes"))
    assert said == "describing cars: no AWS credentials; run aws configure or aws sso login, or set AWS_PROFILE"


def test_secrets_reach_neither_output_nor_records(dataset: Dataset, sagemaker: str, moto: str) -> None:
    ran = train(dataset, "--yes", name="discreet")
    published = aws_client("s3", moto).get_object(Bucket="cars", Key="one/output/discreet/job.json")["Body"].read()
    texts = [ran.output, published.decode()]
    texts += [path.read_text() for path in Path(os.environ["SAGESEG_HOME"]).rglob("*.json*")]
    assert len(texts) > 3
    for text in texts:
        assert not any(secret in text for secret in (SECRET, TOKEN, "AKIAIOSFODNN7EXAMPLE"))


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

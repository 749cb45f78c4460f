"""`tune` as on AWS: moto is S3 and STS, the emulator is SageMaker; and on this machine."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from typer.testing import CliRunner, Result

from aws import clients
from formats.console import run_app
from formats.dataset import Dataset
from jobs.cli import app
from jobs.tracking.find_jobs import find_job, find_training
from jobs.tracking.records import read_record, record_names, record_path
from jobs.tracking.trained_model import find_model
from tests.support.asked_of_aws import asked_of_aws, repeated
from tests.support.aws_cli import aws
from tests.support.aws_setup import SECRET, TOKEN, Terminal, aws_client, error_of, moto_server, no_price_list, use_aws
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import disc_image, make_dataset
from tests.support.emulator_setup import SLEEPS, emulator, rehearse, wait_until

ROLE = "arn:aws:iam::123456789012:role/SageMaker"
SCORES = """
import json
given = json.loads((root / "input/config/hyperparameters.json").read_text())
(root / "model" / "weights").write_text("trained")
score = 1 - abs(float(given["learning_rate"]) - 0.01)
print("LRScheduler setup: iters per epoch: 2, num_epochs 1")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.25 .")
print("#quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.9 .")
print(f"#quality_metric. host: algo-1, epoch: 0, validation mIOU: {score} .")
"""
FAILS = """
print("nearly there")
(root / "output").mkdir(exist_ok=True)
(root / "output" / "failure").write_text("CUDA out of memory")
sys.exit(1)
"""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        aws_client("s3", url).create_bucket(Bucket="cars")
        yield url


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = {f"car{number}_01": disc_image(16, 16, seed=number) for number in range(4)}
    splits = {stem: "val" if stem == "car0_01" else "train" for stem in images}
    return make_channels(make_dataset(tmp_path / "dataset", images, splits=splits))


@contextmanager
def sagemaker_running(folder: Path, moto: str, patch: pytest.MonkeyPatch, source: str) -> Iterator[str]:
    """An emulator in SageMaker's place, whose jobs run this source."""
    use_aws(patch, moto)
    patch.setitem(sys.modules["jobs.tracking.job_calls"].__dict__["POLL_SECONDS"], "aws", 0.02)
    patch.setattr("jobs.cost.prices._ask", no_price_list)
    with emulator(folder / "sagemaker", source, grace_seconds=0) as (_, _, server):
        use_aws(patch, moto, sagemaker=server.url, cloudwatch_logs=server.url)
        yield server.url


@pytest.fixture
def sagemaker(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with sagemaker_running(tmp_path, moto, monkeypatch, SCORES) as url:
        yield url


RANGE = ("--range", "learning_rate=1e-3:1e-1")


def words_of(dataset: Dataset, name: str, prefix: str = "one", jobs: int = 3, parallel: int = 2) -> list[str]:
    common = ["--data", f"s3://cars/{prefix}", "--role", ROLE, "--name", name, "--mini-batch-size", "1"]
    search = [*RANGE, "--max-jobs", str(jobs), "--parallel", str(parallel), "--strategy", "random", "--seed", "1"]
    return ["tune", str(dataset.root), *common, *search]


def tune(dataset: Dataset, *words: str, name: str = "cars", **how: Any) -> Result:
    return CliRunner().invoke(app, [*words_of(dataset, name, **how), *words])


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_a_search_is_quoted_uploaded_followed_ranked_and_recorded(dataset: Dataset, sagemaker: str) -> None:
    ran = tune(dataset, "--max-cost", "300", "--max-runtime", "86400")
    assert ran.exit_code == 0, ran.output
    title, *rows = ran.stdout.splitlines()
    assert title.split() == ["rank", "job", "validation:mIOU", "status", "learning_rate"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    scores = [float(row.split()[2]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
    said = ran.stderr
    assert "3 jobs, 2 at a time, vary learning_rate 0.001 to 0.1, logarithmic" in said
    assert "at worst $109.08, if it runs all 3 jobs of 24 h, 2 at a time, allowed" in said
    assert "if it moves on: ml.g4dn.2xlarge: $0.94 per hour" in said
    assert "s3://cars/one: 8 files sent, 0 were there" in said
    assert "started cars on ml.g5.2xlarge" in said
    assert said.count(": Completed  validation:mIOU 0.9") == 3
    assert "--like cars:best trains with the best job's hyperparameters" in said
    record = read_record("cars")
    assert record.is_tuning
    assert record.arn.endswith(":hyper-parameter-tuning-job/cars")
    assert record.classes == ["_background_", "car"]
    assert record.request["HyperParameterTuningJobConfig"]["RandomSeed"] == 1
    assert record.cost["worst_usd"] == pytest.approx(3 * 24 * 1.515, rel=0.01)
    client = aws_client("sagemaker", sagemaker)
    billed = [client.describe_training_job(TrainingJobName=row.split()[1])["BillableTimeInSeconds"] for row in rows]
    assert record.cost["actual_usd"] == pytest.approx(sum(billed) * 1.515 / 3600)
    assert f"it cost ${record.cost['actual_usd']:.2f}" in said


def test_the_other_verbs_know_a_tuning_job_and_its_training_jobs(
    dataset: Dataset, sagemaker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ranking = json.loads(tune(dataset, "--yes", "--json", name="known").stdout)
    first = ranking[0]["job"]
    for home in ("here", "another machine"):
        if home != "here":
            monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "elsewhere"))
            assert record_names() == []
        with asked_of_aws() as asked:
            shown = run("show", "known").stdout
        assert repeated(asked) == []
        assert f"{'jobs':16}3 of 3 jobs done\n" in shown
        assert f"{'cost':16}${find_job('known').record.cost['actual_usd']:.2f} (this project's table" in shown
        assert shown.splitlines()[-3].split()[:2] == ["1", first]
        assert json.loads(run("show", "known", "--json").stdout)["ranking"] == ranking
        listed = [re.split("  +", line) for line in run("list").stdout.splitlines()[1:]]
        assert ["known", "Completed", "tuning: 3 done, 0 running, 0 failed", "aws"] in [line[:4] for line in listed]
        assert {line[0] for line in listed} == {"known"} | {row["job"] for row in ranking}
        assert "validation mIOU" in run("logs", first).stdout
        assert f"{'tuning job':16}known" in run("show", first).stdout
        assert len(run("metrics", "known:best", "--json").stdout) > 20
        record = find_training("known:best").record
        assert (record.name, record.classes) == (first, ["_background_", "car"])
        assert record.request["HyperParameters"]["learning_rate"] == ranking[0]["hyperparameters"]["learning_rate"]
        for verb in ("logs", "metrics"):
            assert error_of(run(verb, "known")) == (
                f"known: is a tuning job; name one of its training jobs, known:best ({first}) or another one; "
                "sageseg jobs show known lists them"
            )
        assert "sageseg jobs show known" in error_of(run("metrics", "known"))


def test_training_like_the_best_takes_its_hyperparameters(dataset: Dataset, sagemaker: str) -> None:
    ranking = json.loads(tune(dataset, "--yes", "--json", "--epochs", "7", name="lends").stdout)
    common = ("--data", "s3://cars/one", "--role", ROLE, "--dry-run")
    ran = run("train", str(dataset.root), *common, "--like", "lends:best", "--epochs", "9")
    assert json.loads(ran.stdout)["HyperParameters"] == {
        "epochs": "9",
        "mini_batch_size": "1",
        "num_classes": "2",
        "num_training_samples": "3",
        **ranking[0]["hyperparameters"],
    }
    last = run("train", str(dataset.root), *common, "--like", ranking[-1]["job"])
    assert json.loads(last.stdout)["HyperParameters"] == {
        **json.loads(ran.stdout)["HyperParameters"],
        "epochs": "7",
        **ranking[-1]["hyperparameters"],
    }
    refused = error_of(run("train", str(dataset.root), *common, "--like", "lends"))
    assert refused.startswith("lends: is a tuning job; name one of its training jobs, lends:best")
    unknown = error_of(run("train", str(dataset.root), *common, "--like", "nobody:best"))
    assert unknown.startswith("nobody: no job of that name under ")
    best_of_one = error_of(run("train", str(dataset.root), *common, "--like", f"{ranking[0]['job']}:best"))
    assert best_of_one.endswith("is a training job, not a tuning job; leave :best out")


def test_what_nobody_followed_is_priced_when_it_is_looked_at(dataset: Dataset, sagemaker: str) -> None:
    assert tune(dataset, "--yes", "--no-wait", name="alone").stdout == "alone\n"
    wait_until(lambda: "Completed" in run("show", "alone").stdout.splitlines()[1])
    assert "actual_usd" not in read_record("alone").cost
    client = aws_client("sagemaker", sagemaker)
    ranking = json.loads(run("show", "alone", "--json").stdout)["ranking"]
    described = [client.describe_training_job(TrainingJobName=row["job"]) for row in ranking]
    usd = sum(one["BillableTimeInSeconds"] for one in described) * 1.515 / 3600
    assert f"{'cost':16}${usd:.2f} (this project's table" in run("show", "alone").stdout
    facts = find_model("alone:best").facts
    assert facts.job == ranking[0]["job"]
    assert facts.cost_usd == described[0]["BillableTimeInSeconds"] / 3600 * 1.515


def test_before_a_training_job_has_succeeded_there_is_no_best(
    dataset: Dataset, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sagemaker_running(tmp_path, moto, monkeypatch, SLEEPS) as url:
        ran = tune(dataset, "--yes", "--no-wait", name="young")
        assert ran.stdout == "young\n"
        client = aws_client("sagemaker", url)
        wait_until(lambda: find_job("young").record.is_tuning and "2 running" in run("show", "young").stdout)
        said = error_of(run("show", "young:best"))
        assert said == (
            "young:best: none of its training jobs has succeeded yet, 0 of 3 jobs done, 2 running; sageseg jobs logs "
            "young --follow waits"
        )
        assert run("stop", "young").stdout == "young: stopping\n"
        described = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="young")
        assert described["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
        stopped = error_of(run("logs", "young", "--follow"))
    assert re.fullmatch(r"young: Stopped: 0 of 3 jobs done, \d stopped; sageseg jobs show young lists its .*", stopped)


def test_a_search_whose_jobs_all_fail_shows_reason_log_and_cure(
    dataset: Dataset, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sagemaker_running(tmp_path, moto, monkeypatch, FAILS):
        ran = tune(dataset, "--yes", name="hopeless")
        said = error_of(ran)
        no_best = error_of(run("show", "hopeless:best"))
        table = run("show", "hopeless").stdout
    assert said.startswith("hopeless: Failed: All training jobs failed. Please take a look")
    assert "; hopeless-001-" in said
    assert said.endswith("the GPU's memory is too small: --mini-batch-size 1, or --instance-type ml.g4dn.12xlarge")
    assert "  nearly there" in ran.stderr.splitlines()
    assert "#/jobs/hopeless-001-" in ran.stderr
    assert ran.stderr.count(": Failed  learning_rate") == 3
    assert "moving on" not in ran.stderr
    assert no_best.startswith("hopeless:best: none of its training jobs succeeded, 0 of 3 jobs done, 3 failed")
    assert [line.split()[0] for line in table.splitlines()[-3:]] == ["–"] * 3
    assert read_record("hopeless").cost["actual_usd"] > 0  # machines that failed are billed too


def test_it_moves_on_from_a_quota_that_its_training_jobs_meet_and_from_missing_capacity(
    dataset: Dataset, sagemaker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearse(
        tmp_path / "sagemaker",
        {
            "quotas": {"ml.p3.2xlarge for training job usage": 0},
            "training_jobs": {"ml.g5.2xlarge": {"capacity_error": True}},
            "calls": {"ListServiceQuotas": 9},  # so that the quota is met
        },
    )
    kinds = "ml.p3.2xlarge,ml.g5.2xlarge,ml.g4dn.2xlarge"
    ran = tune(dataset, "--yes", "--instance-type", kinds, name="moving")
    assert ran.exit_code == 0, ran.output
    said = ran.stderr
    assert "refused: moving: Failed: ResourceLimitExceeded: The account-level service limit 'ml.p3.2xlarge" in said
    assert "ask for more under Service Quotas, or name another --instance-type" in said
    assert "moving on to ml.g5.2xlarge as moving-2 (ml.g5.2xlarge: $1.515 per hour" in said
    assert "no capacity: moving-2: Failed: " in said
    assert "moving on to ml.g4dn.2xlarge as moving-3" in said
    assert len(ran.stdout.splitlines()) == 4
    assert record_names() == ["moving", "moving-2", "moving-3"]
    for home in ("sageseg-home", "elsewhere"):
        monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / home))
        assert find_job("moving").record.name == "moving-3"
        best = find_training("moving:best").record
        assert best.request["ResourceConfig"]["InstanceType"] == "ml.g4dn.2xlarge"
        assert find_model(best.name).tags.keys() == {"sageseg:dataset"}
        assert "note: moving was moved on to ml.g4dn.2xlarge and is moving-3 now" in run("show", "moving").stderr


def test_a_quota_that_is_met_on_the_way_keeps_what_there_is(dataset: Dataset, sagemaker: str, tmp_path: Path) -> None:
    rehearse(tmp_path / "sagemaker", {"quotas": {"*": 1}, "training_jobs": {"*": {"start_seconds": 0.5}}})
    said = error_of(tune(dataset, "--yes", name="narrow"))
    assert "narrow: Failed: ResourceLimitExceeded" in said
    assert said.endswith(
        "; lower --parallel, or ask for more under Service Quotas; sageseg jobs show narrow ranks the jobs there are, "
        "narrow:best is the best"
    )
    assert record_names() == ["narrow"]
    assert find_training("narrow:best").record.name.startswith("narrow-00")


def test_a_throttled_service_is_asked_again_and_in_the_end_one_line(
    dataset: Dataset, sagemaker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearse(
        tmp_path / "sagemaker", {"calls": {"CreateHyperParameterTuningJob": 1, "DescribeHyperParameterTuningJob": 1}}
    )
    assert tune(dataset, "--yes", name="patient").exit_code == 0
    monkeypatch.setattr(clients, "_CONFIG", clients._CONFIG.merge(Config(retries={"max_attempts": 0})))
    rehearse(tmp_path / "sagemaker", {"calls": {"CreateHyperParameterTuningJob": 99}})
    said = error_of(tune(dataset, "--yes", name="throttled"))
    assert "creating tuning job throttled: ThrottlingException: Rate exceeded" in said
    assert said.endswith("; wait a minute and run it again")
    assert record_names() == ["patient"]
    rehearse(tmp_path / "sagemaker", {"calls": {"DescribeHyperParameterTuningJob": 99}})
    monkeypatch.setattr("jobs.training.start.check_names_free", lambda *_: None)  # it describes, too
    ran = tune(dataset, "--yes", name="unseen")
    assert "describing unseen: ThrottlingException" in error_of(ran)
    assert "unseen goes on; sageseg jobs logs unseen --follow watches it again" in ran.stderr
    assert record_names() == ["patient", "unseen"]


@pytest.mark.parametrize(
    ("stdin", "said", "status"),
    [
        (Terminal("s\n"), "waits: stopping", ("Stopping", "Stopped")),
        (Terminal("\n"), "waits goes on; sageseg jobs logs waits --follow watches it again", ("InProgress",)),
        (StringIO(), "waits goes on; sageseg jobs logs waits --follow watches it again", ("InProgress",)),
    ],
    ids=["stop", "leave", "nobody"],
)
def test_ctrl_c_asks_whether_to_stop_the_search(
    dataset: Dataset,
    moto: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    stdin: StringIO,
    said: str,
    status: tuple[str, ...],
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    with sagemaker_running(tmp_path, moto, monkeypatch, SLEEPS) as url:
        monkeypatch.setattr("jobs.tracking.job_calls.sleep", interrupt)
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.argv", ["jobs", *words_of(dataset, "waits"), "--yes"])
        with pytest.raises(SystemExit) as ended:
            run_app(app)
        client = aws_client("sagemaker", url)
        described = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="waits")
    assert ended.value.code == 130
    assert said in capsys.readouterr().err
    assert described["HyperParameterTuningJobStatus"] in status


def test_nothing_is_started_or_left_when_it_is_refused(dataset: Dataset, sagemaker: str, moto: str) -> None:
    for words, message in (
        ((), "nobody is there to ask; add --yes"),
        (("--max-cost", "100"), "may cost $109.08, more than --max-cost 100; lower --max-jobs or --max-runtime"),
        (("--region", "eu-west-1", "--max-cost", "9"), "price is unknown, so --max-cost 9 cannot be kept"),
        (("--yes", "--output", "s3://nobody/x"), "bucket nobody: there is none"),
    ):
        assert message in error_of(tune(dataset, *words, prefix="refused"))
        assert not aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix="refused/").get("Contents")
        assert not record_path("cars").exists()


def test_what_the_check_finds_stops_a_search_before_money_is_spent(dataset: Dataset, sagemaker: str) -> None:
    dataset.mask_path("car1_01").write_bytes(b"no png")
    assert str(dataset.root) in error_of(tune(dataset, "--yes", prefix="unchecked"))
    assert record_names() == []


def test_a_name_that_is_taken_says_so(dataset: Dataset, sagemaker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tune(dataset, "--yes", name="taken", jobs=1, parallel=1).exit_code == 0
    again = error_of(tune(dataset, "--yes", name="taken", prefix="never"))
    assert again == (
        "taken: a job of that name was started from this folder; sageseg jobs logs taken --follow follows it, or "
        "choose another --name"
    )
    monkeypatch.setenv("SAGESEG_HOME", str(Path(os.environ["SAGESEG_HOME"]) / "other"))
    refused = error_of(tune(dataset, "--yes", name="taken"))
    assert refused == "taken: a tuning job of that name is at AWS in us-east-1 already; choose another --name"
    assert record_names() == []


def test_secrets_reach_neither_output_nor_records(dataset: Dataset, sagemaker: str, moto: str) -> None:
    ran = tune(dataset, "--yes", name="discreet", jobs=1, parallel=1)
    published = aws_client("s3", moto).get_object(Bucket="cars", Key="one/output/discreet/job.json")["Body"].read()
    texts = [ran.output, published.decode()]
    texts += [path.read_text() for path in Path(os.environ["SAGESEG_HOME"]).rglob("*.json*")]
    for text in texts:
        assert not any(secret in text for secret in (SECRET, TOKEN, "AKIAIOSFODNN7EXAMPLE"))


def test_the_aws_cli_takes_what_a_dry_run_prints(dataset: Dataset, sagemaker: str, tmp_path: Path) -> None:
    assert tune(dataset, "--yes", name="uploads", jobs=1, parallel=1).exit_code == 0  # brings the data
    (tmp_path / "request.json").write_text(tune(dataset, "--dry-run", name="by-cli").stdout)
    ran = aws(["sagemaker", "create-hyper-parameter-tuning-job", "--cli-input-json", "file://request.json"], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["HyperParameterTuningJobArn"].endswith("hyper-parameter-tuning-job/by-cli")


def test_on_this_machine_unet_is_searched_without_a_price(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / "home"))
    search = ("--algorithm", "unet", *RANGE, "--range", "optimizer=sgd,adam", "--mini-batch-size", "1")
    words = ("tune", str(dataset.root), "--backend", "local", "--name", "unets", *search, "--max-jobs", "3")
    with emulator(tmp_path, SCORES):  # its home is this one, so that no other is started
        ran = run(*words, "--json")
        assert ran.exit_code == 0, ran.output
        ranking = json.loads(ran.stdout)
        listed = run("list").stdout
        like = run("train", str(dataset.root), "--backend", "local", "--like", "unets:best", "--dry-run")
        record = find_training(ranking[0]["job"]).record
    assert [row["status"] for row in ranking] == ["Completed"] * 3
    assert all(set(row["hyperparameters"]) == {"learning_rate", "optimizer"} for row in ranking)
    assert "$" not in ran.output
    assert read_record("unets").cost["actual_usd"] is None
    lines = [re.split("  +", line)[:4] for line in listed.splitlines()]
    assert ["unets", "Completed", "tuning: 3 done, 0 running, 0 failed", "local"] in lines
    assert all([row["job"], "Completed", "Completed", "local"] in lines for row in ranking)
    settings = json.loads(like.stdout)["HyperParameters"]
    assert settings.items() >= ({"algorithm": "unet", "mini_batch_size": "1"} | ranking[0]["hyperparameters"]).items()
    assert record.request["AlgorithmSpecification"]["TrainingImage"] == "sageseg:local"

"""`tune` as on AWS: moto is S3 and STS, the emulator is SageMaker; and on this machine."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.dataset import Dataset
from jobs.tracking.find_jobs import find_job, find_training
from jobs.tracking.records import read_record, record_names
from jobs.tracking.trained_model import find_model
from tests.support.asked_of_aws import asked_of_aws, repeated
from tests.support.aws_cli import aws
from tests.support.aws_setup import ROLE, aws_client, error_of
from tests.support.emulator_setup import emulator, wait_until
from tests.support.jobs_on_aws import RANGE, SCORES, run, sagemaker_running, tune


@pytest.fixture
def sagemaker(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its jobs score by their learning rate."""
    with sagemaker_running(tmp_path, moto, monkeypatch, SCORES) as url:
        yield url


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

"""A tuning on AWS that is refused, fails, is stopped or moves on: one line, and what there is stays."""

import os
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from botocore.config import Config

from aws import clients
from formats.console import run_app
from formats.dataset import Dataset
from jobs.cli import app
from jobs.tracking.find_jobs import find_job, find_training
from jobs.tracking.records import read_record, record_names, record_path
from jobs.tracking.trained_model import find_model
from tests.support.aws_setup import SECRET, TOKEN, Terminal, aws_client, error_of
from tests.support.emulator_setup import SLEEPS, rehearse, wait_until
from tests.support.jobs_on_aws import FAILS, SCORES, run, sagemaker_running, tune, tune_words


@pytest.fixture
def sagemaker(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its jobs score by their learning rate."""
    with sagemaker_running(tmp_path, moto, monkeypatch, SCORES) as url:
        yield url


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
        monkeypatch.setattr("sys.argv", ["jobs", *tune_words(dataset, "waits"), "--yes"])
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

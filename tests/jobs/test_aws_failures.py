"""A training on AWS that is refused, fails or is stopped: one line, and nothing sent or left that nobody wants."""

import os
from io import StringIO
from pathlib import Path

import pytest

from formats.console import run_app
from formats.dataset import Dataset
from jobs.cli import app
from jobs.tracking.find_jobs import find_training
from jobs.tracking.records import read_record, record_names, record_path
from tests.support.aws_setup import ROLE, SECRET, TOKEN, Terminal, aws_client, error_of
from tests.support.emulator_setup import SLEEPS
from tests.support.jobs_on_aws import FAILS, sagemaker_running, train


def test_a_job_that_failed_of_itself_is_what_its_name_finds(
    dataset: Dataset, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sagemaker_running(tmp_path, moto, monkeypatch, FAILS):
        train(dataset, "--yes", name="failing")
        for home in ("sageseg-home", "elsewhere"):
            monkeypatch.setenv("SAGESEG_HOME", str(tmp_path / home))
            assert find_training("failing").record.name == "failing"


def test_a_failed_job_shows_reason_log_link_and_cure(
    dataset: Dataset, moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sagemaker_running(tmp_path, moto, monkeypatch, FAILS):
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

    with sagemaker_running(tmp_path, moto, monkeypatch, SLEEPS) as url:
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

    monkeypatch.setattr("aws.identity.make_client", lambda *_, **_how: Expired())
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

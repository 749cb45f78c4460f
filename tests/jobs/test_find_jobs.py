"""A name becomes a job: where it is looked for, and what is said when nobody knows it or may tell."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from aws.errors import AwsError
from aws.names import check_name, number_of_attempt, numbered
from formats.errors import SagesegError
from jobs.tracking import find_jobs
from jobs.tracking.find_jobs import find_job
from jobs.tracking.records import JobRecord, format_record, write_record
from jobs.tracking.trained_model import TrainedModel, endpoint_name

REGION = "us-east-1"
EXPIRED = AwsError("describing it", "ExpiredTokenException", "The security token included in the request is expired")
MISSING = AwsError("describing it", "ValidationException", "Requested resource not found.")
NO_TUNING = AwsError("describing it", "ResourceNotFound", "Amazon SageMaker can't find a tuning job with that name")
Answers = Callable[[JobRecord], dict[str, Any]]
Described = Callable[[Answers], list[JobRecord]]


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> Described:
    """Answers in the place of Describe calls; the list tells of what was asked."""

    def answer_with(answers: Answers) -> list[JobRecord]:
        asked = list[JobRecord]()

        def describe(record: JobRecord) -> dict[str, Any]:
            asked.append(record)
            return answers(record)

        monkeypatch.setattr(find_jobs, "describe", describe)
        monkeypatch.setattr(find_jobs, "last_attempt_at_aws", lambda *_: None)
        return asked

    return answer_with


def nobody_knows(record: JobRecord) -> dict[str, Any]:
    raise NO_TUNING if record.is_tuning else MISSING


def test_nobody_knows_a_name(described: Described) -> None:
    asked = described(nobody_knows)
    with pytest.raises(SagesegError, match=r"^nobody: no job of that name under \S+, nor at AWS in us-east-1 \(") as e:
        find_job("nobody", REGION)
    assert str(MISSING) in str(e.value)
    assert [record.is_tuning for record in asked] == [False, True]


@pytest.mark.parametrize("where", ["local", "aws"])
@pytest.mark.parametrize("answer", [MISSING, EXPIRED])
def test_an_endpoints_name_leads_to_the_verbs_of_endpoints(
    where: str, answer: AwsError, described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_: JobRecord) -> dict[str, Any]:
        raise answer

    described(nobody if answer is EXPIRED else nobody_knows)
    monkeypatch.setattr(find_jobs, "emulator_was_here", lambda: True)
    monkeypatch.setattr(find_jobs, "_endpoint_status", lambda _, backend, __: "InService" if backend == where else None)
    with pytest.raises(SagesegError) as e:
        find_job("cars", REGION)
    known = where == "local" or answer is MISSING  # where AWS could not tell of a job, it is not asked again
    assert str(e.value).startswith("cars: an endpoint (InService), and no job; " if known else "cars: no job of that")
    assert ("sageseg jobs delete cars ends it" in str(e.value)) == known


def test_a_time_at_a_names_end_makes_it_no_later_attempt(
    described: Described, capsys: pytest.CaptureFixture[str]
) -> None:
    described(nobody_knows)
    write_record(JobRecord("fcn-cars-20261121-010203", "aws", REGION, "", "", [], {"ResourceConfig": {}}))
    assert find_job("fcn-cars-20261121-010203").record.name == "fcn-cars-20261121-010203"
    assert capsys.readouterr().err == ""


def test_a_name_too_long_for_a_tuning_job_is_not_asked_for_as_one(described: Described) -> None:
    asked = described(nobody_knows)
    with pytest.raises(SagesegError, match="no job of that name under"):
        find_job("fcn-studio-cars-dataset-20261121-010203", REGION)
    assert len(asked) == 1


@pytest.mark.parametrize("name", ["cars_v2", "runs/cars.tar", "-cars", "c" * 64])
def test_what_no_job_can_be_called_is_asked_of_nobody(described: Described, name: str) -> None:
    asked = described(nobody_knows)
    with pytest.raises(SagesegError, match="no such file, nor could a job be called so"):
        find_job(name, REGION)
    assert asked == []


def started_search(name: str, backend: str) -> None:
    request: dict[str, Any] = {"Tags": []}
    write_record(JobRecord(name, backend, REGION, "", "", ["_background_", "car"], request, kind="tuning"))


def only_the_emulator(record: JobRecord) -> dict[str, Any]:
    if record.backend == "aws":
        raise EXPIRED
    return {"TrainingJobName": record.name, "TrainingJobArn": "arn", "TuningJobArn": "arn:x/cars-local"}


def test_a_refusal_elsewhere_does_not_hide_a_job_that_is_known(described: Described) -> None:
    described(only_the_emulator)
    started_search("cars", "aws")
    started_search("cars-local", "local")
    assert find_job("cars-local-001-abc", REGION).record.backend == "local"


def test_what_kept_somebody_from_answering_is_told(described: Described) -> None:
    asked = described(only_the_emulator)
    started_search("cars", "aws")
    with pytest.raises(SagesegError, match=r"cars-001: no job .*, and AWS in us-east-1 cannot be asked \(.*Expired"):
        find_job("cars-001", REGION)
    assert len(asked) == 1


def test_without_a_region_a_refusal_is_told_too(described: Described) -> None:
    described(only_the_emulator)
    started_search("cars", "aws")
    with pytest.raises(SagesegError, match=r"cars-001: no job .*, and AWS in us-east-1 cannot be asked \(.*Expired"):
        find_job("cars-001")


def test_a_job_without_a_record_is_not_said_to_be_missing(
    described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    described(lambda _: {"OutputDataConfig": {"S3OutputPath": "s3://bucket/out"}})

    def no_such_key(*_: object) -> bytes:
        raise AwsError("fetching it", "NoSuchKey", "The specified key does not exist.")

    monkeypatch.setattr("aws.s3.S3Prefix.get", no_such_key)
    monkeypatch.setattr(find_jobs, "make_client", lambda *_: None)
    without = r"^cars: is at AWS in us-east-1, but without its record s3://bucket/out/cars/job\.json"
    with pytest.raises(SagesegError, match=without):
        find_job("cars", REGION)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ""),
        ({"AlgorithmSpecification": {"TrainingImage": "another"}}, "TrainingImage"),
        ({"RoleArn": "arn:aws:iam::1:role/Admin"}, "RoleArn"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://bucket/out", "KmsKeyId": "another"}}, "KmsKeyId"),
        ({"backend": "local"}, "backend or region"),
        ({"region": "eu-central-1"}, "backend or region"),
    ],
)
def test_a_record_in_a_bucket_does_not_decide_what_is_served_and_as_whom(
    described: Described, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], wrong: str
) -> None:
    told = {
        "AlgorithmSpecification": {"TrainingImage": "builtin", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::1:role/Trains",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out", "KmsKeyId": ""},
    }
    asked = {**told, "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"}, **changed}
    place = {
        "backend": "aws",
        "region": REGION,
        **{name: asked.pop(name) for name in ("backend", "region") if name in asked},
    }
    record = JobRecord("cars", dataset="", dataset_sha256="", classes=[], request=asked, **place)
    described(lambda _: told)
    monkeypatch.setattr("aws.s3.S3Prefix.get", lambda *_: format_record(record).encode())
    monkeypatch.setattr(find_jobs, "make_client", lambda *_: None)
    if not wrong:
        assert find_job("cars", REGION).record == record
        return
    with pytest.raises(
        SagesegError, match=rf"^s3://bucket/out/cars/job.json: another {wrong} than AWS tells of cars; "
    ):
        find_job("cars", REGION)


def started(name: str, asked_name: str, backend: str = "local", kind: Any = "training") -> None:
    tags = [{"Key": "sageseg:attempt-of", "Value": asked_name}] if asked_name != name else []
    training = {"ResourceConfig": {"InstanceType": "ml.g5.2xlarge"}}
    request = {"Tags": tags, **({"TrainingJobDefinition": training} if kind == "tuning" else training)}
    write_record(JobRecord(name, backend, REGION, "", "", [], request, kind=kind))


@pytest.mark.parametrize("backend", ["aws", "local"])
@pytest.mark.parametrize("kind", ["training", "tuning"])
@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        ({"cars": "cars"}, "cars"),
        ({"cars": "cars", "cars-2": "cars"}, "cars-2"),
        ({"cars-2": "cars", "cars-10": "cars", "cars-9": "cars"}, "cars-10"),
        ({"cars": "cars", "cars-2": "cars-2"}, "cars"),
        ({"cars": "cars", "cars-x-2": "cars-x"}, "cars"),
    ],
)
def test_of_several_attempts_the_last_is_found_by_the_name_that_was_asked_for(
    described: Described,
    capsys: pytest.CaptureFixture[str],
    recorded: dict[str, str],
    found: str,
    backend: str,
    kind: str,
) -> None:
    asked = described(nobody_knows)
    for name, asked_name in recorded.items():
        started(name, asked_name, backend, kind)
    assert find_job("cars", REGION).record.name == found
    assert asked == []
    note = f"note: cars was moved on to ml.g5.2xlarge and is {found} now\n"
    assert capsys.readouterr().err == ("" if found == "cars" else note)


@pytest.mark.parametrize("letters", [1, 30, 59, 60, 61, 62, 63])
def test_a_later_attempt_is_known_by_its_name_however_long_that_is(letters: int) -> None:
    name = "c" * letters
    assert [number_of_attempt(numbered(name, number), name) for number in (2, 3, 10)] == [2, 3, 10]
    assert number_of_attempt(name, name) == number_of_attempt("other-2", name) == 0


def test_an_endpoint_is_named_after_what_was_asked_for(described: Described) -> None:
    described(nobody_knows)
    tags = {"sageseg:attempt-of": "cars"}
    request = {"TrainingJobName": "cars-2"}
    model = TrainedModel("cars-2", "aws", REGION, "s3://bucket/cars-2/output/model.tar.gz", request, tags=tags)
    assert endpoint_name(model, datetime(2026, 11, 28, tzinfo=UTC)) == "cars"


@pytest.mark.parametrize(
    ("name", "instead"), [("my job", "my-job"), ("cars_v2", "cars-v2"), ("-", "job"), ("größe", "gr-e")]
)
def test_a_name_that_no_job_can_have_is_refused_with_one_that_it_can(name: str, instead: str) -> None:
    with pytest.raises(SagesegError, match=f"^--name {name}: expected letters .*, such as {instead}$"):
        check_name(name)
    check_name(instead)

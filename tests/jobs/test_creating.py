"""What is created is neither forgotten nor made twice, whatever becomes of the request and of its answer."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from aws.errors import AwsError
from formats.errors import SagesegError
from jobs.contract.service_model import load_service
from jobs.creating import CREATING, PACKAGE, SETTING, CreatingCall, UnknownOutcomeError, create, is_of, settle
from tests.support.called_operations import called_operations

ROOT = Path(__file__).parents[2]
SINCE = datetime(2026, 11, 28, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:thing/cars"


def error(code: str, status: int = 400, retries: int = 0, words: str = "no") -> ClientError:
    meta: Any = {"HTTPStatusCode": status, "RetryAttempts": retries}
    return ClientError({"Error": {"Code": code, "Message": words}, "ResponseMetadata": meta}, "Create")


LOST = ReadTimeoutError(endpoint_url="https://sagemaker")
MISSING = error("ValidationException", words="Could not find it")
TAKEN = error("ResourceInUse", retries=1, words="already exists")
QUOTA = error("ResourceLimitExceeded", retries=2, words="ml.g5.2xlarge for training job usage is 0")


class Service:
    """AWS for one thing: what it answers to the request for it, and to the question about it."""

    def __init__(self, call: CreatingCall, created: Any, told: Any) -> None:
        self.asked: list[str] = []
        for method, answer in ((call.create, created), (call.describe, told)):
            setattr(self, method, self._answering(method, answer))

    def _answering(self, method: str, answer: Any) -> Any:
        def answered(**_: Any) -> Any:
            self.asked.append(method)
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)

        return answered


def there(call: CreatingCall, minutes: float = 0, **members: Any) -> dict[str, Any]:
    made = "CreationTime" if call.service == "sagemaker" else "CreationDate"
    arn = call.arn if call.service == "sagemaker" else "Arn"
    return {call.named: "cars", arn: ARN, made: SINCE + timedelta(minutes=minutes), "RoleArn": "role", **members}


def make(call: CreatingCall, created: Any, told: Any) -> tuple[str | SagesegError, list[str]]:
    service = Service(call, created, told)
    try:
        return create(service, call, {call.named: "cars", "RoleArn": "role", "Tags": []}, SINCE), service.asked
    except SagesegError as e:
        return e, service.asked


each_call = pytest.mark.parametrize(
    "call", [call for call in CREATING if not call.by_token], ids=lambda call: call.create
)


@each_call
@pytest.mark.parametrize("created", [LOST, ConnectionClosedError(endpoint_url="x"), error("X", 500), TAKEN, QUOTA, {}])
def test_what_is_there_though_its_answer_was_lost_is_gone_on_with(call: CreatingCall, created: Any) -> None:
    assert make(call, created, there(call)) == (ARN, [call.create, call.describe])


@each_call
@pytest.mark.parametrize("created", [LOST, error("InternalFailure", 503), {}])
def test_what_may_be_on_its_way_is_not_taken_as_refused(call: CreatingCall, created: Any) -> None:
    outcome, _ = make(call, created, MISSING)
    assert isinstance(outcome, UnknownOutcomeError)
    assert str(outcome).endswith(f"{call.word} cars is not there yet: run the same command again")


@each_call
@pytest.mark.parametrize("told", [LOST, error("AccessDeniedException"), error("InternalFailure", 500)])
def test_where_nobody_can_be_asked_it_says_what_may_cost_and_what_finds_out(call: CreatingCall, told: Any) -> None:
    outcome, _ = make(call, LOST, told)
    assert isinstance(outcome, UnknownOutcomeError)
    assert f"{call.word} cars may be there and cost; the same command again finds out" in str(outcome)
    assert call.ends.format("cars") in str(outcome)


@each_call
def test_a_first_request_that_is_refused_is_believed(call: CreatingCall) -> None:
    outcome, asked = make(call, error("AccessDeniedException"), there(call))
    assert isinstance(outcome, AwsError)
    assert asked == [call.create]


@each_call
def test_a_later_request_that_is_refused_is_believed_where_nothing_is_there(call: CreatingCall) -> None:
    outcome, _ = make(call, QUOTA, MISSING)
    assert isinstance(outcome, AwsError)
    assert outcome.code == "ResourceLimitExceeded"


@each_call
@pytest.mark.parametrize("other", [{"minutes": -30}, {"RoleArn": "another"}])
def test_somebody_elses_of_that_name_is_not_taken_for_ours(call: CreatingCall, other: dict[str, Any]) -> None:
    outcome, _ = make(call, TAKEN, there(call, **other))
    assert not isinstance(outcome, UnknownOutcomeError)
    assert str(outcome) == (
        f"{call.word} cars: is there already, and was not made by this command; choose another --name"
    )


class Answers:
    """AWS for a version of a model package: its answers to one request after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[Any]()

    def create_model_package(self, **request: Any) -> Any:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


VERSION = {"ModelPackageGroupName": "cars", "ClientToken": "token"}


@pytest.mark.parametrize("lost", [LOST, error("InternalFailure", 503), {}])
def test_what_has_a_token_is_asked_for_again_with_it_where_an_answer_was_lost(lost: Any) -> None:
    service = Answers(lost, {"ModelPackageArn": ARN})
    assert create(service, PACKAGE, VERSION, SINCE) == ARN
    assert service.asked == [VERSION, VERSION]


def test_what_has_a_token_may_be_there_after_two_lost_answers_and_costs_nothing() -> None:
    with pytest.raises(UnknownOutcomeError, match="it may be there, and costs nothing: the same command again"):
        create(Answers(LOST, error("InternalFailure", 503)), PACKAGE, VERSION, SINCE)


@pytest.mark.parametrize("answers", [(error("AccessDeniedException"),), (LOST, error("ConflictException"))])
def test_what_has_a_token_and_is_refused_is_not_asked_for_again(answers: Any) -> None:
    service = Answers(*answers)
    with pytest.raises(AwsError):
        create(service, PACKAGE, VERSION, SINCE)
    assert len(service.asked) == len(answers)


@pytest.mark.parametrize(
    ("asked", "found", "same"),
    [
        ({"A": {"B": [1, {"C": "x"}]}}, {"A": {"B": [1, {"C": "x", "Added": 1}]}, "Status": "InProgress"}, True),
        ({"A": {"B": [1, {"C": "x"}]}}, {"A": {"B": [1, {"C": "y"}]}}, False),
        ({"A": [1, 2]}, {"A": [1]}, False),
        ({"Tags": [1], "ClientToken": "t"}, {"Tags": [2]}, True),
    ],
)
def test_a_description_may_add_and_not_differ(asked: dict[str, Any], found: dict[str, Any], same: bool) -> None:
    assert is_of(asked, {**found, "CreationTime": SINCE}, SINCE) is same


def test_what_has_no_time_is_nobodys() -> None:
    assert not is_of({}, {}, SINCE)


def test_the_table_is_of_calls_that_aws_has_and_holds_all_that_create() -> None:
    for call in CREATING:
        names = {xform_name(operation) for operation in load_service(call.service).operation_names}
        assert {call.create, call.describe} <= names
    made = {operation for operation in called_operations() if operation.partition(":")[2].startswith("Create")}
    assert {xform_name(operation.partition(":")[2]) for operation in made} == {call.create for call in CREATING}


class Sets:
    """AWS for a call that sets something."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def put_scaling_policy(self, **_: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [LOST, error("InternalServiceException", 500)])
def test_what_is_set_and_whose_answer_is_lost_is_not_taken_as_refused(answer: Exception) -> None:
    with pytest.raises(UnknownOutcomeError, match="run the same command again: it goes on with what is there"):
        settle(Sets(answer), "put_scaling_policy", {}, "the scaling of endpoint cars")


def test_what_is_set_is_answered_or_refused() -> None:
    assert settle(Sets({"PolicyARN": ARN}), "put_scaling_policy", {}, "scaling") == {"PolicyARN": ARN}
    with pytest.raises(AwsError, match=r"setting scaling \(put_scaling_policy\): AccessDeniedException"):
        settle(Sets(error("AccessDeniedException")), "put_scaling_policy", {}, "scaling")


def test_nothing_is_created_or_set_but_by_the_tables() -> None:
    names = {call.create for call in CREATING} | {*SETTING}
    clients = [path for path in (ROOT / "jobs").rglob("*.py") if "emulator" not in path.parts]
    found = [
        f"{path.name}: {node.attr}"
        for path in clients
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in names
    ]
    assert found == []

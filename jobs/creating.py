"""Creating what costs at AWS: one table of the calls, each with the call that tells what became of it.

AWS's answer may be lost, and botocore then sends the request again: a thing that is there already may be the one that
was just asked for, and a refusal may be of the second request, after the first was taken. So only a refusal of a first
request is believed; else the thing is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from aws.clients import NetworkError, aws_errors
from aws.errors import AwsError, is_missing
from formats.console import say
from formats.disk.locks import open_locked
from formats.disk.private_files import private_folder
from formats.errors import SagesegError
from formats.state_home import home

_CLOCKS = timedelta(minutes=15)
"""How far this machine's clock and AWS's may be apart: more, and AWS refuses the signature."""


@dataclass(frozen=True)
class CreatingCall:
    """A method of boto3 that makes something, called `word` for people. `member` begins the names of its name and its
    ARN in requests and answers; `describe` asks for it, `ends` is the command that ends it. Of one `by_token` the
    service gives the name itself: the same request with the same ClientToken answers which was made."""

    word: str
    member: str
    create: str
    describe: str
    ends: str
    service: str = "sagemaker"
    by_token: bool = False

    @property
    def named(self) -> str:
        if self.by_token:
            return f"{self.member}GroupName"
        return "Name" if self.service == "scheduler" else f"{self.member}Name"

    @property
    def arn(self) -> str:
        return f"{self.member}Arn"


_STOP, _DELETE = "sageseg jobs stop {}", "sageseg jobs delete {}"
TRAINING = CreatingCall("training job", "TrainingJob", "create_training_job", "describe_training_job", _STOP)
TUNING = CreatingCall(
    "tuning job",
    "HyperParameterTuningJob",
    "create_hyper_parameter_tuning_job",
    "describe_hyper_parameter_tuning_job",
    _STOP,
)
TRANSFORM = CreatingCall(
    "transform job",
    "TransformJob",
    "create_transform_job",
    "describe_transform_job",
    "sageseg jobs leftovers --delete --stop-jobs",
)
PROCESSING = CreatingCall(
    "processing job",
    "ProcessingJob",
    "create_processing_job",
    "describe_processing_job",
    _STOP,
)
MODEL = CreatingCall("model", "Model", "create_model", "describe_model", _DELETE)
CONFIG = CreatingCall("configuration", "EndpointConfig", "create_endpoint_config", "describe_endpoint_config", _DELETE)
ENDPOINT = CreatingCall("endpoint", "Endpoint", "create_endpoint", "describe_endpoint", _DELETE)
SCHEDULE = CreatingCall(
    "schedule", "Schedule", "create_schedule", "get_schedule", "sageseg jobs leftovers --delete", "scheduler"
)
PIPELINE = CreatingCall(
    "pipeline", "Pipeline", "create_pipeline", "describe_pipeline", "aws sagemaker delete-pipeline --pipeline-name {}"
)
GROUP = CreatingCall(
    "model package group",
    "ModelPackageGroup",
    "create_model_package_group",
    "describe_model_package_group",
    "aws sagemaker delete-model-package-group --model-package-group-name {}",
)
PACKAGE = CreatingCall(
    "model package of group",
    "ModelPackage",
    "create_model_package",
    "describe_model_package",
    "aws sagemaker list-model-packages --model-package-group-name {}",
    by_token=True,
)
CREATING = (TRAINING, TUNING, TRANSFORM, PROCESSING, MODEL, CONFIG, ENDPOINT, SCHEDULE, PIPELINE, GROUP, PACKAGE)
"""Every call of this project that makes something which stays at AWS."""
SETTING = ("register_scalable_target", "put_scaling_policy", "put_metric_alarm")
"""Every call that sets something at AWS which costs nothing by itself, and of which the same request again makes no
second one."""


@contextmanager
def alone(*what: str) -> Iterator[None]:
    """Nobody else on this machine makes the same thing meanwhile: who comes later waits, and may then find it made."""
    name = sha256(" ".join(what).encode(errors="surrogateescape")).hexdigest()[:24]
    private_folder(home(), "locks")
    path = home() / "locks" / name
    with open_locked(path, path, wait=True):
        yield


class UnknownOutcomeError(SagesegError):
    """Nobody knows whether AWS made what it was asked for, or will: what is recorded of it must stay."""


def create(client: Any, call: CreatingCall, request: Mapping[str, Any], since: datetime) -> str:
    """Make something; its ARN. `since` is when its making was begun, before which nothing of its name was there.

    Raises UnknownOutcomeError where AWS's answer was lost and it is not there to be seen, any other SagesegError where
    nothing was made. Ctrl-C is the caller's: then nobody knows, either.
    """
    answer = _answer(client, call, request)
    if isinstance(answer, str):
        return answer
    # of one by token a refusal is always of this very request: an earlier one would have been answered again
    believed = isinstance(answer, AwsError) and not answer.failed and (answer.tries == 1 or call.by_token)
    if believed:
        raise answer
    return _asked_again(client, call, request) if call.by_token else _looked_for(client, call, request, since, answer)


def _answer(client: Any, call: CreatingCall, request: Mapping[str, Any]) -> str | SagesegError:
    """The ARN of what was made, or why there is none."""
    doing = f"creating {call.word} {request[call.named]}"
    try:
        with aws_errors(doing):
            arn = getattr(client, call.create)(**request).get(call.arn)
        return str(arn) if arn else NetworkError(f"{doing}: what answered was not AWS")
    except (AwsError, NetworkError) as e:
        return e


def _asked_again(client: Any, call: CreatingCall, request: Mapping[str, Any]) -> str:
    """The ARN of what was made though the answer was lost: the service tells it to the same request."""
    answer = _answer(client, call, request)
    if isinstance(answer, str):
        return answer
    if isinstance(answer, AwsError) and not answer.failed:
        raise answer
    raise UnknownOutcomeError(
        f"{_what(answer)}; it may be there, and costs nothing: the same command again finds out, "
        f"{call.ends.format(request[call.named])} lists what is there"
    ) from answer


def settle(client: Any, call: str, request: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Set something by a call of `SETTING`; its answer. Raises UnknownOutcomeError where that was lost, any other
    SagesegError where AWS refused."""
    doing = f"setting {what} ({call})"
    error: SagesegError
    try:
        with aws_errors(doing):
            answer: dict[str, Any] = getattr(client, call)(**request)
    except NetworkError as e:
        error = e
    except AwsError as e:
        if not e.failed:
            raise
        error = e
    else:
        return answer
    raise UnknownOutcomeError(f"{_what(error)}; run the same command again: it goes on with what is there") from error


def _looked_for(
    client: Any, call: CreatingCall, request: Mapping[str, Any], since: datetime, error: SagesegError
) -> str:
    """The ARN of what was made though the answer was lost, or came to a second request."""
    name = str(request[call.named])
    try:
        found = described(client, call, name)
    except SagesegError as e:
        raise UnknownOutcomeError(
            f"{_what(error)}, and it cannot be looked for ({_what(e)}); {maybe_there(call, name)}"
        ) from e
    if found is None:
        if isinstance(error, AwsError) and not error.failed:
            raise error
        raise UnknownOutcomeError(
            f"{_what(error)}; {call.word} {name} is not there yet: run the same command again"
        ) from error
    if not is_of(request, found, since):
        raise SagesegError(
            f"{call.word} {name}: is there already, and was not made by this command; choose another --name"
        ) from error
    say(f"note: AWS's answer to {call.create} was lost; {call.word} {name} is there, and it goes on with that")
    return str(found[call.arn if call.service == "sagemaker" else "Arn"])


def _what(error: SagesegError) -> str:
    return error.what if isinstance(error, NetworkError) else str(error)


def maybe_there(call: CreatingCall, name: str) -> str:
    """What is said where nobody knows."""
    return (
        f"{call.word} {name} may be there and cost; the same command again finds out and goes on with it, "
        f"{call.ends.format(name)} ends it"
    )


def described(client: Any, call: CreatingCall, name: str) -> dict[str, Any] | None:
    """What AWS tells of a thing now; None where it says that there is none."""
    try:
        with aws_errors(f"describing {call.word} {name}"):
            answer: dict[str, Any] = getattr(client, call.describe)(**{call.named: name})
    except AwsError as e:
        if is_missing(e):
            return None
        raise
    answer.pop("ResponseMetadata", None)
    return answer


def is_of(request: Mapping[str, Any], found: Mapping[str, Any], since: datetime) -> bool:
    """Whether what was found came of this request: of that time or later, and the same in all that the description
    tells of the request. A description adds members, and leaves tags and tokens out."""
    made = found.get("CreationTime") or found.get("CreationDate")
    asked = {name: value for name, value in request.items() if name not in ("Tags", "ClientToken")}
    return isinstance(made, datetime) and made >= since.astimezone(UTC) - _CLOCKS and _told(asked, found)


def _told(asked: Any, found: Any) -> bool:
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        return all(_told(value, found[name]) for name, value in asked.items() if name in found)
    if isinstance(asked, list) and isinstance(found, list):
        return len(asked) == len(found) and all(map(_told, asked, found))
    return bool(asked == found)

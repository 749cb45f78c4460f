"""Deploying a trained model: CreateModel, CreateEndpointConfig, CreateEndpoint, one real invocation.

    sageseg jobs deploy cars --ttl 2h

Whatever fails on the way is cleaned up, or said to remain with the command that deletes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from time import monotonic, sleep
from typing import Any

from aws.errors import AwsError, is_about_capacity
from aws.names import format_until, is_ours, utc_now
from formats.console import open_screen, say
from formats.errors import SagesegError
from formats.texts.wording import format_roughly
from jobs import creating
from jobs.backends import Place, open_place
from jobs.contract.log_lines import endpoint_logs
from jobs.cost.agreement import AnyEndpointQuote
from jobs.cost.quotes import serverless_words
from jobs.creating import UnknownOutcomeError, create, described, is_of
from jobs.endpoints.container_log import show_log
from jobs.endpoints.delete import remove_endpoint
from jobs.endpoints.first_answer import check_endpoint
from jobs.endpoints.invocations import open_caller
from jobs.endpoints.lease import create_schedule, delete_schedule, schedule_name
from jobs.endpoints.parts import CONFIG, ENDPOINT, MODEL, Kind, capacity_of, delete_part, describe_part, tags_of
from jobs.endpoints.plan import Deployment
from jobs.endpoints.records import EndpointRecord, forget_endpoint, read_endpoint, write_endpoint
from jobs.endpoints.scaling import has_scaling, set_scaling
from jobs.tracking.job_calls import POLL_SECONDS
from jobs.tracking.trained_model import TrainedModel

_PARTS = {
    "CreateModel": (creating.MODEL, MODEL),
    "CreateEndpointConfig": (creating.CONFIG, CONFIG),
    "CreateEndpoint": (creating.ENDPOINT, ENDPOINT),
}
"""What makes an endpoint, in the order in which it is made."""
SLEEPS = {
    "aws": "about a quarter of an hour after its last answer (inferred); the next request wakes it in some minutes",
    "local": "some minutes after its last answer; the next request wakes it",
}
"""By backend, when an asynchronous endpoint goes to sleep."""


def deploy(
    deployment: Deployment,
    requests: dict[str, dict[str, Any]],
    agree: Callable[[], AnyEndpointQuote | None],
    *,
    wait: bool,
) -> EndpointRecord:
    """Make the endpoint and record it, once its name is known to be free and `agree` has had its cost agreed to;
    with `wait` follow it into service and ask it once. Where an earlier call began it, it goes on with that.

    Raises SagesegError with the reason when it does not come into service or answers wrongly; then
    the container's log was shown and nothing that costs is left, or what is left was named.
    """
    trained = deployment.trained
    place = open_place(trained.backend, trained.region)
    record = _begun_before(place, deployment, requests)
    if record is None:
        _left_over(place, deployment.name)
        quote = agree()
        with creating.alone(ENDPOINT.word, place.backend, place.region, deployment.name):
            for kind in _left_over(place, deployment.name):  # again: somebody else may have made one meanwhile
                delete_part(place.sagemaker, kind, deployment.name)
                say(f"{kind.word} {deployment.name}: left by an earlier endpoint, replaced")
            record = _create(place, _new_record(deployment, requests, quote))
        say(f"started endpoint {record.name} on {_machines(deployment)}")
    if not wait:
        return record
    _await_service(place, record)
    _ask_once(place, record, trained)
    return _let_sleep(place, record) if has_scaling(record.requests) else record


def _machines(deployment: Deployment) -> str:
    serving = deployment.serving
    if serving.serverless:
        return serverless_words(serving.serverless.memory_mb, serving.serverless.max_concurrency)
    return f"{serving.instance_type}{', asynchronous' if serving.answers else ''}"


def _new_record(
    deployment: Deployment, requests: dict[str, dict[str, Any]], quote: AnyEndpointQuote | None
) -> EndpointRecord:
    trained = deployment.trained
    return EndpointRecord(
        deployment.name,
        trained.backend,
        trained.region,
        trained.name,
        created=utc_now().isoformat(timespec="seconds"),
        until=format_until(deployment.until) if deployment.until else "",
        scheduled="CreateSchedule" in requests,
        requests=requests,
        cost={
            "usd_per_hour": quote.usd_per_hour if quote else None,
            "source": quote.rate.source if quote else "this machine",
        },
    )


def _begun_before(place: Place, deployment: Deployment, requests: dict[str, dict[str, Any]]) -> EndpointRecord | None:
    """The endpoint that an earlier call of the same command began without hearing of its end, where it is there."""
    record = read_endpoint(deployment.name)
    if record is None or not record.is_begun or (record.backend, record.region) != (place.backend, place.region):
        return None
    found = described(place.sagemaker, creating.ENDPOINT, record.name)
    if found is None or not is_of(record.requests["CreateEndpoint"], found, datetime.fromisoformat(record.created)):
        return None
    if _unleased(record.requests) != _unleased(requests):
        raise SagesegError(
            f"endpoint {record.name}: is there already ({found['EndpointStatus']}), begun with other settings; sageseg "
            f"jobs delete {record.name} removes it, or choose another --name"
        )
    lease = f", its lease ends at {record.until}" if record.until else ""
    say(f"note: endpoint {record.name} was begun at {record.created} and is there{lease}; it goes on with that")
    record = replace(record, arn=found["EndpointArn"])
    write_endpoint(record)
    return record


def _unleased(requests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The requests without the moment at which a lease ends, which is another in each call."""
    parts = {name: {**request, "Tags": None} for name, request in requests.items()}
    return {**parts, **({"CreateSchedule": None} if "CreateSchedule" in parts else {})}


def _left_over(place: Place, name: str) -> list[Kind]:
    """What a schedule left of an earlier endpoint of that name. Raises SagesegError for a name that is taken."""
    found = describe_part(place.sagemaker, ENDPOINT, name)
    if found:
        raise SagesegError(
            f"endpoint {name}: is there already ({found['EndpointStatus']}); sageseg jobs delete {name} removes it, or "
            "choose another --name"
        )
    left = [(kind, described) for kind in (CONFIG, MODEL) if (described := describe_part(place.sagemaker, kind, name))]
    for kind, described in left:
        if not is_ours(tags_of(place.sagemaker, described[f"{kind.member}Arn"])):
            raise SagesegError(f"{kind.word} {name}: is there already, and not sageseg's; choose another --name")
    return [kind for kind, _ in left]


def _create(place: Place, record: EndpointRecord) -> EndpointRecord:
    """The schedule before there is anything to pay for, then all three parts; where AWS refuses one, none. The record
    is written first, and stays where nobody knows what is there: then the same command again goes on."""
    since, made, leased = datetime.fromisoformat(record.created), list[Kind](), False
    write_endpoint(record)
    try:
        leased = _schedule(record, since)
        for operation, (call, kind) in _PARTS.items():
            arn = create(place.sagemaker, call, record.requests[operation], since)
            made.append(kind)
        record = replace(record, arn=arn)
        write_endpoint(record)
    except UnknownOutcomeError:
        raise
    except SagesegError:
        _unmake(place, record, made, leased=leased)
        raise
    except KeyboardInterrupt:
        say(_remains(record))
        raise
    return record


def _unmake(place: Place, record: EndpointRecord, made: list[Kind], *, leased: bool) -> None:
    """Delete what was made before AWS refused the next part. What else has that name is another deployment's, which
    came first."""
    try:
        for kind in reversed(made):
            if delete_part(place.sagemaker, kind, record.name):
                say(f"{kind.word} {record.name}: deleted")
        forget_endpoint(record.name)
        if leased and delete_schedule(record.name, record.region):
            say(f"schedule {schedule_name(record.name)}: deleted")
    except SagesegError as e:
        say(f"of endpoint {record.name} parts may remain, which cost nothing ({e}); sageseg jobs leftovers shows them")


def _schedule(record: EndpointRecord, since: datetime) -> bool:
    """Make the schedule; without it nothing is made. Whether there is one now."""
    if not record.until:
        return False
    if not record.scheduled:
        say(f"the lease ends at {record.until}, when the emulator deletes the endpoint")
        return False
    try:
        delete_schedule(record.name, record.region)  # of an earlier endpoint of that name
        create_schedule(record.requests["CreateSchedule"], record.region, since)
    except AwsError as e:
        if not e.code.startswith("AccessDenied"):
            raise
        raise SagesegError(
            f"--ttl: nothing would end this lease, so nothing was made: {e.doing}: {e.code}: {e.reason.rstrip('.')}; "
            "sageseg jobs policy --scheduler writes the permissions and the role, or leave --ttl out"
        ) from e
    say(f"the lease ends at {record.until}, when EventBridge Scheduler deletes the endpoint")
    return True


def _take_back(place: Place, record: EndpointRecord) -> None:
    """Delete an endpoint that this deployment made, with its parts."""
    try:
        for line in remove_endpoint(place, record.name):
            if line.endswith(": deleted"):
                say(line)
    except SagesegError as e:
        say(f"{_remains(record)} ({e})")


def _let_sleep(place: Place, record: EndpointRecord) -> EndpointRecord:
    """Set its scaling; without it the endpoint goes. Where nobody knows, the record stays: the same command goes on."""
    try:
        set_scaling(place, record.name, record.requests)
    except UnknownOutcomeError:
        say(_remains(record))
        raise
    except SagesegError as e:
        _take_back(place, record)
        denied = isinstance(e, AwsError) and e.code.startswith("AccessDenied")
        step = "; sageseg jobs policy --scaling writes the permissions" if denied else ""
        raise SagesegError(f"--async: nothing would put endpoint {record.name} to sleep: {e}{step}") from e
    except KeyboardInterrupt:
        say(_remains(record))
        raise
    record = replace(record, scaled=True)
    write_endpoint(record)
    say(f"it sleeps when nothing waits for it: {SLEEPS[place.backend]}")
    return record


def _remains(record: EndpointRecord) -> str:
    price = record.cost.get("usd_per_hour")
    costs = f" and costs ${24 * price:.2f} per day" if price else ""
    return f"endpoint {record.name} may remain{costs}; sageseg jobs delete {record.name} removes it"


def _await_service(place: Place, record: EndpointRecord) -> None:
    try:
        description = _follow(place, record)
    except (SagesegError, KeyboardInterrupt):
        say(_remains(record))
        raise
    status = description["EndpointStatus"] if description else "gone"
    if status == "InService":
        return
    reason = (description or {}).get("FailureReason", "it was deleted meanwhile").rstrip(".")
    cure = "; name another --instance-type, or try again later" if is_about_capacity(reason) else ""
    _give_up(place, record, f"endpoint {record.name}: {status}: {reason}{cure}")


def _follow(place: Place, record: EndpointRecord) -> dict[str, Any] | None:
    """The endpoint's description as soon as it is no longer being created."""
    since, shown = monotonic(), ""
    with open_screen() as screen:
        while True:
            description = describe_part(place.sagemaker, ENDPOINT, record.name)
            if description is None or description["EndpointStatus"] != "Creating":
                return description
            if not shown:
                shown = "Creating: AWS takes some minutes for it" if place.backend == "aws" else "Creating"
                screen.line(shown)
            screen.live(f"{record.name}  Creating  {format_roughly(monotonic() - since)}")
            sleep(POLL_SECONDS[place.backend])


def _ask_once(place: Place, record: EndpointRecord, trained: TrainedModel) -> None:
    try:
        said = check_endpoint(
            open_caller(place, record.name, capacity_of(record.requests["CreateEndpointConfig"], {})), trained
        )
    except SagesegError as e:
        _give_up(place, record, f"endpoint {record.name}: is in service, but does not answer as it should: {e}")
    except KeyboardInterrupt:
        say(_remains(record))
        raise
    else:
        say(f"asked it once, {said}")


def _give_up(place: Place, record: EndpointRecord, problem: str) -> None:
    show_log(endpoint_logs(record.name), place.backend, place.region)
    say(f"without an endpoint: sageseg jobs predict {record.job} IMAGES_OR_DATASET --out PREDICTIONS --via artefact")
    _take_back(place, record)
    raise SagesegError(problem)

"""Deploying a trained model: CreateModel, CreateEndpointConfig, CreateEndpoint, one real invocation.

    sageseg jobs deploy cars --ttl 2h

Whatever fails on the way is cleaned up, or said to remain with the command that deletes it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any

from aws.clients import aws_errors
from aws.errors import AwsError, is_about_capacity
from aws.names import format_until, is_ours, utc_now
from formats.console import open_screen, say
from formats.errors import SagesegError
from formats.texts.wording import format_roughly
from jobs.backends import Place, open_place
from jobs.contract.log_lines import endpoint_logs
from jobs.cost.quotes import EndpointQuote
from jobs.endpoints.container_log import show_log
from jobs.endpoints.delete import remove_endpoint
from jobs.endpoints.first_answer import check_endpoint
from jobs.endpoints.invocations import open_caller
from jobs.endpoints.lease import create_schedule, delete_schedule
from jobs.endpoints.parts import CONFIG, ENDPOINT, MODEL, Kind, delete_part, describe_part, tags_of
from jobs.endpoints.plan import Deployment
from jobs.endpoints.records import EndpointRecord, write_endpoint
from jobs.tracking.job_calls import POLL_SECONDS
from jobs.tracking.trained_model import TrainedModel


def deploy(
    deployment: Deployment,
    requests: dict[str, dict[str, Any]],
    agree: Callable[[], EndpointQuote | None],
    *,
    wait: bool,
) -> EndpointRecord:
    """Make the endpoint and record it, once its name is known to be free and `agree` has had its cost agreed to;
    with `wait` follow it into service and ask it once.

    Raises SagesegError with the reason when it does not come into service or answers wrongly; then
    the container's log was shown and nothing that costs is left, or what is left was named.
    """
    trained = deployment.trained
    place = open_place(trained.backend, trained.region)
    left = _left_over(place, deployment.name)
    quote = agree()
    for kind in left:
        delete_part(place.sagemaker, kind, deployment.name)
        say(f"{kind.word} {deployment.name}: left by an earlier endpoint, replaced")
    scheduled = _schedule(requests, deployment)
    record = EndpointRecord(
        deployment.name,
        trained.backend,
        trained.region,
        trained.name,
        created=utc_now().isoformat(timespec="seconds"),
        until=format_until(deployment.until) if deployment.until else "",
        scheduled=scheduled,
        requests=requests,
        cost={
            "usd_per_hour": quote.usd_per_hour if quote else None,
            "source": quote.rate.source if quote else "this machine",
        },
    )
    _create(place, record)
    say(f"started endpoint {record.name} on {deployment.serving.instance_type}")
    if not wait:
        return record
    _await_service(place, record)
    _ask_once(place, record, trained)
    return record


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


def _schedule(requests: dict[str, dict[str, Any]], deployment: Deployment) -> bool:
    """Make the schedule before there is anything to pay for; without it nothing is made."""
    if deployment.until is None:
        return False
    region, until = deployment.trained.region, format_until(deployment.until)
    if deployment.trained.backend == "local":
        say(f"the lease ends at {until}, when the emulator deletes the endpoint")
        return False
    try:
        delete_schedule(deployment.name, region)  # of an earlier endpoint of that name
        create_schedule(requests["CreateSchedule"], region)
    except AwsError as e:
        if not e.code.startswith("AccessDenied"):
            raise
        raise SagesegError(
            f"--ttl: nothing would end this lease, so nothing was made: {e.doing}: {e.code}: {e.reason.rstrip('.')}; "
            "sageseg jobs policy --scheduler writes the permissions and the role, or leave --ttl out"
        ) from e
    say(f"the lease ends at {until}, when EventBridge Scheduler deletes the endpoint")
    return True


def _create(place: Place, record: EndpointRecord) -> None:
    """All three parts, or none. The record is written first: what AWS accepted just before this
    process died is not lost."""
    calls = {
        "CreateModel": place.sagemaker.create_model,
        "CreateEndpointConfig": place.sagemaker.create_endpoint_config,
        "CreateEndpoint": place.sagemaker.create_endpoint,
    }
    write_endpoint(record)
    try:
        for operation, call in calls.items():
            with aws_errors(f"{operation} {record.name}"):
                call(**record.requests[operation])
    except (SagesegError, KeyboardInterrupt):
        _take_back(place, record)
        raise


def _take_back(place: Place, record: EndpointRecord) -> None:
    """Delete what this deployment made; parts of that name that are somebody else's stay."""
    try:
        for line in remove_endpoint(place, record.name):
            if line.endswith(": deleted"):
                say(line)
    except SagesegError as e:
        say(f"{_remains(record)} ({e})")


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
        said = check_endpoint(open_caller(record.name, place.backend, place.region), trained)
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

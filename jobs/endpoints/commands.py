"""`sageseg jobs deploy`, `delete`, `forget` and `leftovers`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import agree, result, result_json, say
from formats.errors import SagesegError
from formats.verbs.command_options import takes
from formats.verbs.completion import BOTH, ENDPOINTS, JOBS
from jobs.endpoints.options import DeployOptions

if TYPE_CHECKING:
    from datetime import datetime

    from jobs.backends import Place
    from jobs.cost.agreement import AnyEndpointQuote
    from jobs.endpoints.leftovers import Leftover
    from jobs.tracking.trained_model import TrainedModel


@takes(DeployOptions, "options")
def deploy(
    options: DeployOptions,
    job: Annotated[
        str | None,
        typer.Argument(help="A job's name, a model.tar.gz here, or its s3:// URI.", autocompletion=JOBS),
    ] = None,
) -> None:
    """Serve a trained model from an endpoint, which costs until it is deleted.

    At AWS it says what the endpoint costs and asks first, unless --yes or --max-cost is given.
    """
    from aws.names import utc_now
    from jobs.endpoints.deploy import deploy as make_endpoint
    from jobs.endpoints.plan import plan_deployment, requests_of
    from jobs.endpoints.records import begun_name

    role = options.role or os.environ.get("SAGESEG_ROLE")
    scheduler_role = options.scheduler_role or os.environ.get("SAGESEG_SCHEDULER_ROLE")
    trained, options, package = _served(job, options)
    if options.name is None and not trained.is_job and (begun := begun_name(trained.name)):  # else named by the time
        options = replace(options, name=begun)
    roles = {"role": role, "scheduler_role": scheduler_role}
    planned = plan_deployment(trained, options, **roles, now=utc_now(), package=package)
    requests = requests_of(planned)
    if options.dry_run:
        result_json(requests)
        _agreed_quote(trained, options)
        return
    record = make_endpoint(planned, requests, lambda: _agreed_quote(trained, options), wait=options.wait)
    result(f"{record.name}: {'InService' if options.wait else 'Creating'}")
    say(f"sageseg jobs predict {job or trained.name} DATASET --out PREDICTIONS --via endpoint asks it")
    say(f"sageseg jobs delete {record.name} ends it")


def _served(job: str | None, options: DeployOptions) -> tuple[TrainedModel, DeployOptions, str]:
    """The model, the options with what its version in the registry says, and that one's ARN; empty without one."""
    from jobs.contract.file_uris import file_uri_path, is_file_uri
    from jobs.packages.found import find_package
    from jobs.tracking.trained_model import find_model

    if (job is None) == (options.model_package is None):
        raise SagesegError("deploy: expected a job, an artefact, or --model-package, and one of them")
    if options.model_package is None:
        return find_model(str(job), options.region), options, ""
    if options.image:
        raise SagesegError("--image: not with --model-package, which tells the image; leave one of them out")
    found = find_package(options.model_package, options.region)
    artefact = found.artefact_uri
    trained = find_model(str(file_uri_path(artefact)) if is_file_uri(artefact) else artefact, found.place.region)
    return trained, replace(options, image=found.image, name=options.name or found.name), found.arn


def _agreed_quote(trained: TrainedModel, options: DeployOptions) -> AnyEndpointQuote | None:
    """What the endpoint costs, said and agreed to; a dry run asks nobody. None on this machine, where nothing is
    paid."""
    from jobs.cost.agreement import agree_on_endpoint

    if trained.backend == "local":
        return None
    quote = _quote(trained.region, options)
    agree_on_endpoint(quote, options.ttl, max_cost=options.max_cost, yes=options.yes or options.dry_run)
    return quote


def _quote(region: str, options: DeployOptions) -> AnyEndpointQuote:
    from jobs.cost.prices import find_rate, find_serverless_rate
    from jobs.cost.quotes import AsyncQuote, EndpointQuote, ServerlessQuote
    from jobs.endpoints.capacity import most_instances, serverless_of
    from jobs.endpoints.options import SERVING_INSTANCE

    if options.serverless:
        asked = serverless_of(options)
        rate = find_serverless_rate(region, asked.memory_mb, own=options.rate)
        return ServerlessQuote(asked.memory_mb, rate, asked.max_concurrency)
    kind = options.instance_type or SERVING_INSTANCE
    rate = find_rate(region, kind, "AsyncInf" if options.asynchronous else "Host", own=options.rate)
    if options.asynchronous:
        return AsyncQuote(kind, rate, most_instances(options))
    return EndpointQuote(kind, rate, options.instance_count)


def delete(
    endpoint: Annotated[str, typer.Argument(help="Name of an endpoint.", autocompletion=ENDPOINTS)],
    region: Annotated[str | None, typer.Option(help="AWS region; by default the environment's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Delete what sageseg did not make, too.")] = False,
) -> None:
    """Delete an endpoint, its configuration, its model and its schedule."""
    from jobs.endpoints.delete import check_is_there, find_endpoint, remove_endpoint

    place = find_endpoint(endpoint, region)
    check_is_there(place, endpoint)
    for line in remove_endpoint(place, endpoint, force=force):
        result(line)


def forget(
    job: Annotated[
        str,
        typer.Argument(help="Name of a job that was started from this folder.", autocompletion=JOBS),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before what a job of this machine made is removed.")
    ] = False,
) -> None:
    """Forget a job: its record, and of a job of this machine its log and its artefact too.

    AWS keeps a job and its artefact. One that still runs is refused: sageseg jobs stop ends it.
    """
    from jobs.endpoints.forget import find_forgettable
    from jobs.endpoints.forget import forget as forget_all

    found = find_forgettable(job)
    if found.folders and not yes:
        doomed = ", ".join(map(str, found.folders))
        if not agree(
            f"remove {doomed}?", unattended=f"{doomed}: would be removed, and nobody is there to ask; add --yes"
        ):
            raise SagesegError("nothing was forgotten, as the answer was no; run it again and answer y, or add --yes")
    for line in forget_all(found):
        result(line)


def leftovers(
    region: Annotated[str | None, typer.Option(help="AWS region to look in; by default the environment's.")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete endpoints whose lease has ended, and what nothing uses.")
    ] = False,
    all_: Annotated[bool, typer.Option("--all", help="With --delete: all of this project's endpoints.")] = False,
    stop_jobs: Annotated[bool, typer.Option("--stop-jobs", help="With --delete: stop running jobs too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before what still works is ended.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """This project's endpoints, running jobs, schedules and unused models, with what they cost per day.

    On this folder's emulator, and at AWS where a region is configured.
    """
    from dataclasses import asdict

    from aws.names import utc_now
    from jobs.endpoints.clear_leftovers import Clearing, agree_to_clear, clear, describe_leftover, doomed
    from jobs.endpoints.leftovers import find_leftovers

    if (all_ or stop_jobs or yes) and not delete:
        raise SagesegError("--all, --stop-jobs and --yes: say what --delete deletes; add --delete")
    now = utc_now()
    found = [(place, find_leftovers(place, now)) for place in _places(region)]
    everything = [one for _, some in found for one in some]
    if not delete:
        if json_:
            result_json([asdict(one) for one in everything])
            return
        for one in everything:
            result(describe_leftover(one, now))
        _sum_up(everything, now)
        return
    clearing = Clearing(everything=all_, stop_jobs=stop_jobs)
    going = doomed(everything, clearing, now)
    agree_to_clear(going, now, yes=yes)
    if not going:
        say(f"nothing to delete; {len(everything)} still at work" if everything else "nothing is left")
    for place, some in found:
        for line in clear(place, doomed(some, clearing, now)):
            result(line)


def show(
    name: Annotated[str, typer.Argument(help="Name of a job, a pipeline or an endpoint.", autocompletion=BOTH)],
    region: Annotated[str | None, typer.Option(help="AWS region to look in; by default the environment's.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """A job's status, times, cost, metrics, artefact; a tuning job's trainings, the best first; a pipeline's steps;
    what an endpoint runs on and costs, where no job has its name."""
    from aws.names import is_job_name, utc_now
    from jobs.creating import ENDPOINT
    from jobs.endpoints.shown import endpoint_headlines
    from jobs.tracking.commands import show as show_job
    from jobs.tracking.find_jobs import find_described
    from jobs.tracking.records import record_path

    try:
        show_job(name, region, json_)
    except SagesegError:
        is_free = is_job_name(name) and not record_path(name).exists()
        found = find_described(ENDPOINT, name, region) if is_free else None
        if found is None:
            raise
        place, description = found
        if json_:
            result_json(description)
            return
        for key, said in endpoint_headlines(place, description, utc_now()).items():
            result(f"{key:15} {said}")


def _places(region: str | None) -> list[Place]:
    """Where to look: at this folder's emulator, and at AWS where a region is configured."""
    from aws.clients import NoRegionError, configured_region
    from jobs.backends import LOCAL_REGION, emulator_was_here, open_place

    places = [open_place("local", LOCAL_REGION)] if emulator_was_here() else []
    try:
        where = configured_region(region)
    except NoRegionError:
        say("note: no AWS region is configured, so AWS was not asked")
        return places
    aws = open_place("aws", where)
    asked = aws.sagemaker.meta.endpoint_url  # in a rehearsal the emulator stands for AWS: it is asked once
    return [*(place for place in places if place.sagemaker.meta.endpoint_url != asked), aws]


def _sum_up(found: Sequence[Leftover], now: datetime) -> None:
    daily = sum(one.usd_per_day or 0 for one in found)
    ended = sum(one.unused or one.is_expired(now) for one in found)
    say(f"{len(found)} left, ${daily:.2f} per day" if found else "nothing is left")
    if ended:
        say(f"sageseg jobs leftovers --delete deletes {ended} of them, whose lease has ended or which nothing uses")

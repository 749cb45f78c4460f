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
from formats.verbs.completion import ENDPOINTS, JOBS
from jobs.endpoints.options import DeployOptions

if TYPE_CHECKING:
    from datetime import datetime

    from jobs.backends import Place
    from jobs.cost.quotes import EndpointQuote
    from jobs.endpoints.leftovers import Leftover
    from jobs.tracking.trained_model import TrainedModel


@takes(DeployOptions, "options")
def deploy(
    job: Annotated[
        str,
        typer.Argument(help="A job's name, a model.tar.gz here, or its s3:// URI.", autocompletion=JOBS),
    ],
    options: DeployOptions,
) -> None:
    """Serve a trained model from an endpoint, which costs until it is deleted.

    At AWS it says what the endpoint costs and asks first, unless --yes or --max-cost is given.
    """
    from aws.names import utc_now
    from jobs.endpoints.deploy import deploy as make_endpoint
    from jobs.endpoints.plan import plan_deployment, requests_of
    from jobs.endpoints.records import begun_name
    from jobs.tracking.trained_model import find_model

    role = options.role or os.environ.get("SAGESEG_ROLE")
    scheduler_role = options.scheduler_role or os.environ.get("SAGESEG_SCHEDULER_ROLE")
    trained = find_model(job, options.region)
    if options.name is None and not trained.is_job and (begun := begun_name(trained.name)):  # else named by the time
        options = replace(options, name=begun)
    planned = plan_deployment(trained, options, role=role, scheduler_role=scheduler_role, now=utc_now())
    requests = requests_of(planned)
    if options.dry_run:
        result_json(requests)
        _agreed_quote(trained, options)
        return
    record = make_endpoint(planned, requests, lambda: _agreed_quote(trained, options), wait=options.wait)
    result(f"{record.name}: {'InService' if options.wait else 'Creating'}")
    say(f"sageseg jobs predict {job} DATASET --out PREDICTIONS --via endpoint asks it")
    say(f"sageseg jobs delete {record.name} ends it")


def _agreed_quote(trained: TrainedModel, options: DeployOptions) -> EndpointQuote | None:
    """What the endpoint costs, said and agreed to; a dry run asks nobody. None on this machine, where nothing is
    paid."""
    from jobs.cost.agreement import agree_on_endpoint
    from jobs.cost.prices import find_rate
    from jobs.cost.quotes import EndpointQuote

    if trained.backend == "local":
        return None
    rate = find_rate(trained.region, options.instance_type, "Host", own=options.rate)
    quote = EndpointQuote(options.instance_type, rate, options.instance_count)
    agree_on_endpoint(quote, options.ttl, max_cost=options.max_cost, yes=options.yes or options.dry_run)
    return quote


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

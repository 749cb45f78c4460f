"""On which instance types a processing job may run, and what it may cost on each."""

from __future__ import annotations

from formats.console import say
from formats.errors import SagesegError
from jobs.backends import Place
from jobs.contract.instances import check_volume, has_own_disk
from jobs.cost.agreement import agree_on_processing
from jobs.cost.prices import STORAGE, find_rate
from jobs.cost.quotes import ProcessingQuote, count_instances
from jobs.processing.options import ProcessOptions
from jobs.processing.request import ProcessingJob
from jobs.quotas import find_quotas, quota_name
from jobs.training.options import SecurityOptions


def settle_types(options: ProcessOptions, security: SecurityOptions, place: Place, count: int) -> tuple[str, ...]:
    """The types that may run so many instances: a list is refused whole where the quota of one of them is too low.
    Raises SagesegError where that leaves none, and for what no such instance takes."""
    given = options.instance_type
    for kind in given:
        check_volume(kind, options.volume_gb)
    if security.kms_key and len(set(map(has_own_disk, given))) > 1:
        raise SagesegError(
            f"--instance-type {','.join(given)}: some have disks of their own, for which no --kms-key may be named; "
            "name types of one kind"
        )
    quotas = find_quotas(place.region, given, "processing job") if place.backend == "aws" else {}
    lacking = {kind: quotas[kind] for kind in given if quotas.get(kind, count) < count}
    told = [f"'{quota_name(kind, 'processing job')}' is {quota:g}" for kind, quota in lacking.items()]
    if len(lacking) == len(given):
        raise SagesegError(
            f"{count_instances(count, ' or '.join(given))}: this account's quota {', '.join(told)}; lower --instances, "
            "ask for more under Service Quotas, or name another --instance-type"
        )
    for kind, why in zip(lacking, told, strict=True):
        say(f"note: {kind} is not tried: this account's quota {why}")
    return tuple(kind for kind in given if kind not in lacking)


def agree(job: ProcessingJob, options: ProcessOptions, place: Place) -> None:
    """Say what the job may cost, and have it agreed to; on this machine nothing is paid."""
    if place.backend == "local":
        return
    quotes = [
        ProcessingQuote(
            kind,
            find_rate(place.region, kind, "Processing", own=options.rate),
            len(job.shards),
            job.max_runtime_seconds,
            job.volume_gb,
            None if has_own_disk(kind) else STORAGE.get(place.region),
        )
        for kind in job.preferences or (job.instance_type,)
    ]
    agree_on_processing(*quotes, max_cost=options.max_cost, yes=options.yes or options.dry_run)

"""Starting a training job or a tuning job: check, ask, upload, create, record; and go on to the next
instance type."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec

from aws.clients import make_client as aws_client
from aws.errors import AwsError, is_about_instance
from aws.identity import check_bucket
from aws.names import utc_now
from aws.s3 import parse_s3_uri
from formats.console import say
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.prepared.label_map import LabelMaps, read_label_maps
from formats.prepared.preparation import dataset_preparation
from formats.verbs.mounting import typed_words
from formats.version import tool_version
from jobs.check.dataset_check import check_before
from jobs.contract.training_request import TrainingJob
from jobs.cost.estimates import THIS_MACHINE
from jobs.tracking.attempts import QUOTA, is_moved_on_from
from jobs.tracking.job_calls import JobFailedError
from jobs.tracking.records import JobRecord, git_commit
from jobs.training.attempts_begun import check_names_free, create, taken_over
from jobs.training.augmented_manifest import FOLDER, augmented_manifests, write_manifests
from jobs.training.options import TrainOptions
from jobs.training.plan import Attempt, JobPlan
from jobs.training.quoting import agreed_attempts, cost_of
from jobs.training.upload import Upload, upload_dataset

_ABOUT_LIST = re.compile(r"[Ii]nstance(Preferences|Type)")
"""What a region that knows no lists would speak of: the list, or that a type is missing (inferred)."""
Follow = Callable[[JobRecord], JobRecord]


def start_job(dataset: Dataset, plan: JobPlan, options: TrainOptions, region: str, follow: Follow | None) -> JobRecord:
    """Start the first of the attempts that is taken, and follow it if asked to. Whatever is refused
    is refused before the next step, and leaves nothing behind. Where an earlier call began the job, it goes on with
    that."""
    backend, first = options.start.backend, plan.first.job
    if backend == "local" and find_spec("torch") is None:
        raise SagesegError(
            "--backend local: needs torch, which is not installed; run pip install -e '.[local]' in the checkout"
        )
    plan, there = taken_over(plan, backend, region)
    if there:
        return follow(there) if follow else there
    check_names_free(plan.attempts, backend, region)
    maps, attempts = look_before(dataset, plan, options, region)
    send_data(dataset, first, options, region)

    def begin(attempt: Attempt) -> JobRecord:
        return create(new_record(dataset, attempt, backend, region, maps))

    if plan.listed:
        listed = _begin_listed(replace(plan.listed, choices=tuple(attempts)), begin)
        if listed:
            return follow(listed) if follow else listed
    return run_attempts(attempts, begin, follow)


def look_before(
    dataset: Dataset, plan: JobPlan, options: TrainOptions, region: str
) -> tuple[LabelMaps | None, tuple[Attempt, ...]]:
    """What a start looks at before it sends anything: the dataset, read whole, and the cost. Says what it finds;
    raises SagesegError for what stops it."""
    maps = label_maps_of(dataset, options)
    check_before(dataset, plan.settled, [attempt.job for attempt in plan.attempts], maps)
    return maps, agreed_attempts(dataset, plan, options.start, region)


def _begin_listed(listed: Attempt, begin: Callable[[Attempt], JobRecord]) -> JobRecord | None:
    """The job for which the service tries all instance types itself; None where it refuses that. So it does, with
    the quota's name, when one type of the list has none."""
    types = listed.job.preferences
    try:
        record = begin(listed)
    except AwsError as e:
        about_types = any(is_about_instance(e.code, e.reason, kind) for kind in types)
        if not about_types and not _ABOUT_LIST.search(e.reason):
            raise
        say(f"refused: {e}; the instance types are tried one by one")
        return None
    offered = f"the first of {', '.join(types)} that has capacity"
    say(f"started {record.name} on {_place(record, offered)}")
    return record


def _place(record: JobRecord, at_aws: str) -> str:
    """What a job runs on: on this machine its instance type is a name only."""
    return THIS_MACHINE if record.backend == "local" else at_aws


def send_data(dataset: Dataset, job: TrainingJob, options: TrainOptions, region: str) -> None:
    """Bring the dataset to where the job reads it. Raises SagesegError before anything is sent when
    a bucket is not the caller's or in another region."""
    if options.start.backend == "local":
        if job.augmented:
            write_manifests(dataset, (dataset.root / "channels").absolute().as_uri())
        return
    uri = str(options.data.data)
    buckets = {parse_s3_uri(place).bucket for place in (uri, job.output_uri)}
    for bucket in sorted(buckets):
        check_bucket(f"s3://{bucket}", region, options.data.bucket_owner)
    upload = Upload(uri, region, kms_key=job.kms_key, strict=True, label_map=options.data.label_map)
    done = upload_dataset(dataset, upload)
    say(f"{uri}: {done.sent} files sent, {done.unchanged} were there")
    if job.augmented:
        _send_manifests(dataset, uri, job.kms_key, region)


def _send_manifests(dataset: Dataset, uri: str, kms_key: str | None, region: str) -> None:
    target, s3 = parse_s3_uri(uri), aws_client("s3", region)
    for name, text in augmented_manifests(dataset, uri.rstrip("/")).items():
        target.put(s3, f"{FOLDER}/{name}", text.encode(), kms_key=kms_key)


def label_maps_of(dataset: Dataset, options: TrainOptions) -> LabelMaps | None:
    folder = options.data.label_map
    return read_label_maps(folder, len(dataset.classes)) if folder else None


def new_record(
    dataset: Dataset, attempt: Attempt, backend: str, region: str, label_maps: LabelMaps | None
) -> JobRecord:
    prepared = dataset_preparation(dataset.info)
    return JobRecord(
        attempt.job.name,
        backend,
        region,
        str(dataset.root.absolute()),
        dataset.digest,
        list(dataset.classes.names),
        attempt.request,
        created=utc_now().isoformat(timespec="seconds"),
        git_commit=git_commit(),
        preparation=prepared.to_strings() if prepared else {},
        label_map=dict(label_maps.given) if label_maps else {},
        cost=cost_of(attempt),
        kind=attempt.kind,
        command=list(typed_words()),
        tool_version=tool_version(),
    )


def run_attempts(
    attempts: Sequence[Attempt], begin: Callable[[Attempt], JobRecord], follow: Follow | None
) -> JobRecord:
    """Start the first attempt that AWS takes, and follow it if asked to.

    The next one is tried when the answer is a quota or a refusal that names the instance type, or
    the job fails for want of capacity while it is followed, a tuning job also for a quota that its
    training jobs met; any other refusal stops.
    """
    for number, attempt in enumerate(attempts):
        last = attempt is attempts[-1]
        if number:
            priced = f" ({attempt.quote.describe()})" if attempt.quote else ""
            say(f"moving on to {attempt.job.instance_type} as {attempt.job.name}{priced}")
        try:
            record = begin(attempt)
        except AwsError as e:
            if last or not is_about_instance(e.code, e.reason, attempt.job.instance_type):
                raise
            say(f"refused: {e}")
            continue
        say(f"started {record.name} on {_place(record, attempt.job.instance_type)}")
        try:
            return follow(record) if follow else record
        except JobFailedError as e:  # what AWS refuses of the following is no refusal of the job, which runs
            if last or not is_moved_on_from(e.reason):
                raise
            say(f"refused: {e}" if QUOTA in e.reason else f"no capacity: {e}")
    raise SagesegError("no instance type to try; name one with --instance-type")

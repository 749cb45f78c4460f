"""`sageseg jobs list`, `show`, `logs`, `stop` and `metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from formats.console import result, result_json, say
from formats.errors import SagesegError
from formats.verbs.completion import JOBS

if TYPE_CHECKING:
    from jobs.contract.log_lines import EpochMetrics
    from jobs.tracking.gpu_use import GpuUse
    from jobs.tracking.hosts.found import FoundProcessing
    from jobs.tracking.job_calls import FoundJob
    from jobs.tracking.pipelines.found import FoundPipeline
    from jobs.tracking.records import JobRecord

JobName = Annotated[str, typer.Argument(help="Name of a job.", autocompletion=JOBS)]
JobOrLog = Annotated[str, typer.Argument(help="A job's name, or a file with a training log.", autocompletion=JOBS)]
Region = Annotated[str | None, typer.Option(help="AWS region to look in; by default the environment's.")]


def list_jobs(
    region: Region = None,
    days: Annotated[int, typer.Option(help="How far back to look at AWS.")] = 30,
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """This project's jobs, newest first.

    Those of this folder's emulator, and where a region is configured those at AWS, wherever they were started. Where
    records are damaged the others are listed, and it ends with exit code 1.
    """
    from aws.names import utc_now
    from jobs.tracking.list_jobs import aws_jobs, listing, local_jobs
    from jobs.tracking.records import readable_records, record_names

    names = record_names()
    records = list(readable_records(names))
    jobs = local_jobs(records)
    where = _region_or_none(region)
    if where:
        here = {(job.name, job.created) for job in jobs}  # where the emulator stands for AWS, it tells of them again
        there = [job for job in aws_jobs(where, utc_now(), days) if (job.name, job.created) not in here]
        jobs = sorted([*jobs, *there], key=lambda job: job.created, reverse=True)
    if json_:
        result_json([asdict(job) for job in jobs])
    else:
        for line in listing(jobs):
            result(line)
    if damaged := len(names) - len(records):
        raise SagesegError(
            f"{damaged} of {len(names)} records cannot be read, so jobs may be missing; mend those above"
        )
    if not jobs and not json_:
        say("no job yet; sageseg jobs train DATASET starts one")


def _region_or_none(region: str | None) -> str | None:
    """The region to ask AWS in; without one nothing is asked, and that is said."""
    from aws.clients import NoRegionError, configured_region

    try:
        return configured_region(region)
    except NoRegionError:
        say("note: no AWS region is configured, so only this machine's jobs are listed")
        return None


def show(
    name: JobName,
    region: Region = None,
    json_: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """A job's status, times, cost, metrics, artefact; a tuning job's trainings, the best first; a pipeline's steps."""
    from jobs.tracking.course import describe_course, describe_settings, missing_artefact
    from jobs.tracking.job_calls import FoundJob
    from jobs.tracking.pipelines.shown import show_unrecorded

    found = _find(name, region)
    if not isinstance(found, FoundJob):
        show_unrecorded(found, as_json=json_)
        return
    if found.record.is_tuning:
        _show_tuning(found, as_json=json_)
        return
    record, description = found.record, found.description
    if json_:
        result_json(description)
        return
    headlines = {**_headlines(record, description), **describe_course(record, description)}
    if missing := missing_artefact(record, description):
        headlines["artefact"] = missing
    for key, value in headlines.items():
        result(f"{key:15} {value}")
    for number, setting in enumerate(describe_settings(description)):
        result(f"{'' if number else 'hyperparameters':15} {setting}")
    for metric, use in _gpu_use_or_note(record, description).items():
        result(f"{metric:24}{use.mean:.0f} % on average, {use.highest:.0f} % at most")


def _find(name: str, region: str | None) -> FoundJob | FoundProcessing | FoundPipeline:
    """A training job, a tuning job, a processing job, or a pipeline."""
    from aws.names import is_job_name
    from jobs.tracking.find_jobs import find_job
    from jobs.tracking.hosts.found import find_processing
    from jobs.tracking.pipelines.found import find_pipeline
    from jobs.tracking.records import record_path

    try:
        return find_job(name, region)
    except SagesegError:
        known = not is_job_name(name) or record_path(name).exists()
        found = None if known else find_processing(name, region) or find_pipeline(name, region)
        if found is None:
            raise
        return found


def _gpu_use_or_note(record: JobRecord, description: dict[str, Any]) -> Mapping[str, GpuUse]:
    """How busy its GPUs were; nothing, and a note, where CloudWatch may not be asked."""
    from aws.errors import AwsError
    from jobs.tracking.gpu_use import gpu_use

    try:
        return gpu_use(record, description)
    except AwsError as e:
        say(f"note: {e}; so how busy its GPUs were is not known")
        return {}


def _show_tuning(found: FoundJob, *, as_json: bool) -> None:
    from jobs.tracking.follow_tuning import tuning_headlines
    from jobs.tracking.following import show_ranking
    from jobs.tracking.tuning_ranking import ranking_rows

    record, description, jobs = found.record, found.description, found.training_jobs
    if as_json:
        result_json({**description, "ranking": ranking_rows(jobs)})
        return
    for key, value in tuning_headlines(record, description, jobs).items():
        result(f"{key:15} {value}")
    result("")
    show_ranking(record, jobs)


def _headlines(record: JobRecord, description: dict[str, Any]) -> dict[str, Any]:
    from jobs.contract.file_uris import for_people
    from jobs.contract.instances import describe_instance
    from jobs.contract.training_request import validates_on_train
    from jobs.cost.estimates import THIS_MACHINE
    from jobs.cost.spent import billed_usd
    from jobs.tracking.course import moment
    from jobs.tracking.tuning_records import tuning_name

    kind = "training:" if validates_on_train(description) else "validation:"
    metrics = {
        m["MetricName"].replace("validation:", kind): f"{m['Value']:.4f}"
        for m in description.get("FinalMetricDataList", [])
    }
    cost = record.cost_on(description)
    spent = billed_usd(description, cost.get("usd_per_hour"))
    artefact = description.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    lines = {
        "name": description["TrainingJobName"],
        "status": _status(description),
        "reason": description.get("FailureReason"),
        "tuning job": tuning_name(description),
        "instance": THIS_MACHINE if record.backend == "local" else describe_instance(description["ResourceConfig"]),
        "started": moment(description.get("TrainingStartTime")),
        "ended": moment(description.get("TrainingEndTime")),
        "billed seconds": description.get("BillableTimeInSeconds"),
        "cost": None if spent is None else f"${spent:.2f} ({cost.get('source')})",
        "dataset": record.dataset_sha256[:16] or None,
        "trained from": _earlier_model(description),
        "git commit": record.git_commit or None,
        **metrics,
        "artefact": for_people(artefact) if artefact else None,
    }
    return {key: value for key, value in lines.items() if value is not None}


def _earlier_model(description: Mapping[str, Any]) -> str | None:
    """The model that was trained further, where there was one."""
    from jobs.contract.file_uris import for_people

    for channel in description["InputDataConfig"]:
        if channel["ChannelName"] == "model":
            return for_people(channel["DataSource"]["S3DataSource"]["S3Uri"])
    return None


def _status(description: Mapping[str, Any]) -> str:
    """A job's status, and what it does in it where that is more."""
    status, more = description["TrainingJobStatus"], description["SecondaryStatus"]
    return str(status) if status == more else f"{status} ({more})"


def logs(
    name: JobName,
    region: Region = None,
    follow: Annotated[bool, typer.Option("--follow", help="Show progress until the job ends.")] = False,
) -> None:
    """A job's log so far."""
    from jobs.tracking.job_calls import FoundJob, log_lines
    from jobs.tracking.pipelines.shown import show_unrecorded_logs
    from jobs.tracking.tuning_records import check_no_tuning

    found = _find(name, region)
    if not isinstance(found, FoundJob):
        show_unrecorded_logs(found, follow=follow)
        return
    if follow:
        _follow(found)
        return
    found = check_no_tuning(found)
    empty = True
    for line in log_lines(found.record):
        result(line)
        empty = False
    if empty:
        say(f"{found.record.name}: {found.description['TrainingJobStatus']}, and nothing in its log")


def _follow(found: FoundJob) -> None:
    """Follow a training job to its end, or a tuning job, whose ranking is shown then."""
    from jobs.tracking.following import follow_or_leave, show_ranking
    from jobs.tracking.job_calls import training_jobs_of

    record = follow_or_leave(found.record)
    if record.is_tuning:
        show_ranking(record, training_jobs_of(record))
    else:
        result(f"{record.name}: {record.description['TrainingJobStatus']}")


def stop(name: JobName, region: Region = None) -> None:
    """Stop a running job; what it has learned so far is kept. A tuning job's training jobs stop with it, and so do the
    jobs of a pipeline's steps."""
    from jobs.contract.statuses import ENDED
    from jobs.tracking.job_calls import FoundJob, stop_job

    found = _find(name, region)
    called = found.record.name if isinstance(found, FoundJob) else found.name
    if found.status in ENDED:
        say(f"{called}: {found.status} already, so there is nothing to stop")
        return
    if isinstance(found, FoundJob):
        stop_job(found.record)
    else:
        found.stop()
    result(f"{called}: stopping")


def metrics(
    name_or_logfile: JobOrLog,
    region: Region = None,
    json_: Annotated[bool, typer.Option("--json", help="A list, one object per epoch.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves here, .png, .svg or .pdf.")] = None,
) -> None:
    """Loss, mIOU, accuracy and throughput of each epoch, counted from 0 as in its log."""
    from jobs.tracking.course import four_places

    epochs, on_train = _epochs_of(name_or_logfile, region)
    if plot:
        from jobs.tracking.curves import draw_curves

        draw_curves(epochs, plot, title=Path(name_or_logfile).stem, on_train=on_train)
    if json_:
        result_json([asdict(epoch) for epoch in epochs])
        return
    columns = ("train_loss", "validation_mIOU", "validation_pixel_accuracy", "train_throughput")
    titles = [column.replace("validation", "training") if on_train else column for column in columns]
    result("epoch" + "".join(f"{title:>27}" for title in titles))
    if not epochs:
        say(f"{name_or_logfile}: no epoch is finished in its log")
    for epoch in epochs:
        result(f"{epoch.epoch:5}" + "".join(f"{four_places(getattr(epoch, column)):>27}" for column in columns))


def _epochs_of(name_or_logfile: str, region: str | None) -> tuple[list[EpochMetrics], bool]:
    """The epochs, and whether their scores are those of the training images."""
    from jobs.contract.log_lines import epoch_metrics
    from jobs.contract.training_request import validates_on_train
    from jobs.tracking.find_jobs import find_training
    from jobs.tracking.job_calls import log_lines
    from jobs.tracking.log_file import epochs_of_file

    path = Path(name_or_logfile)
    if path.is_file():
        if region is not None:
            say(f"note: {path} is a file here, so --region has no effect")
        return epochs_of_file(path), False
    record = find_training(name_or_logfile, region).record
    return epoch_metrics(log_lines(record)), validates_on_train(record.request)

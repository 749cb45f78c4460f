"""The course of a processing job: left, stopped, killed in the asking, followed, short of quota or capacity."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from formats.disk.locks import open_locked
from formats.errors import SagesegError
from jobs.creating import create
from jobs.processing import begun
from jobs.processing.machines import agree
from jobs.tracking.hosts import follow
from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.aws_setup import ROLE, aws_client, no_price_list, use_aws
from tests.support.emulator_setup import emulator, rehearse
from tests.support.processing_setup import MAKES_SHARDS
from tests.support.typed_commands import Ran, typed
from tests.support.wheel_samples import NAME, SAME, write_wheel

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
WAITS = {"processing_jobs": {"*": {"start_seconds": 60}}}


class KilledError(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class Desk:
    """Where the command is typed, to shards of which nothing is made; SageMaker is an emulator."""

    folder: Path
    sagemaker: Any

    def process(self, *options: str, out: str = "out", more: Sequence[str] = ()) -> Ran:
        place = f"s3://cars/{self.folder.name}"
        job = ["--instances", "2", "--image", IMAGE, "--role", ROLE, "--yes", *options]
        return typed(
            [
                "jobs",
                "process",
                *job,
                "report",
                f"{place}/in",
                "--dataset",
                f"{place}/in",
                *more,
                "--out",
                f"{place}/{out}",
            ],
            self.folder,
        )

    def jobs(self) -> dict[str, str]:
        listed = self.sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
        return {job["ProcessingJobName"]: job["ProcessingJobStatus"] for job in listed}

    def records(self) -> list[Path]:
        return list((self.folder / "sageseg-home" / "processing").glob("*.json"))


@pytest.fixture
def desk(tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    use_aws(monkeypatch, moto)
    monkeypatch.setattr("jobs.cost.prices._ask", no_price_list)
    monkeypatch.setitem(POLL_SECONDS, "aws", 0.02)
    aws_client("s3", moto).put_object(Bucket="cars", Key=f"{tmp_path.name}/in/labels.txt", Body=b"car")
    with emulator(tmp_path, process=MAKES_SHARDS, grace_seconds=0) as (sagemaker, _, server):
        use_aws(monkeypatch, moto, sagemaker=server.url, cloudwatch_logs=server.url)
        yield Desk(tmp_path, sagemaker)


def started(ran: Ran) -> str:
    found = re.search(r"started processing job (\S+) on", ran.stderr)
    assert found, ran.stderr
    return found[1]


def test_instances_of_a_stock_image_are_sent_the_wheel(desk: Desk, moto: str) -> None:
    rehearse(desk.folder, WAITS)
    wheel = str(write_wheel(desk.folder / NAME, SAME))
    isolated = desk.process("--wheel", wheel, "--network-isolation")
    assert "--wheel: instances fetch what it needs from a package index, which --network-iso" in isolated.stderr
    assert desk.jobs() == {}
    job = desk.sagemaker.describe_processing_job(ProcessingJobName=started(desk.process("--wheel", wheel, "--no-wait")))
    entrypoint = job["AppSpecification"]["ContainerEntrypoint"]
    assert entrypoint[:3] == ["python3", "/opt/ml/processing/code/start_wheel.py", f"{NAME}[geo]"]
    given = job["ProcessingInputs"][-1]["S3Input"]
    place = f"{desk.folder.name}/out-inputs/"
    listed = aws_client("s3", moto).list_objects_v2(Bucket="cars", Prefix=place)["Contents"]
    folder = given["S3Uri"].removeprefix("s3://cars/")
    assert {each["Key"] for each in listed} == {folder + name for name in (NAME, "start_wheel.py", "constraints.txt")}
    assert given["LocalPath"] == str(Path(entrypoint[1]).parent)


def test_a_job_that_nobody_follows_is_gone_on_with(desk: Desk) -> None:
    left = desk.process("--no-wait")
    assert left.returncode == 0, left.stderr
    assert "goes on; the same command again follows it" in left.stderr
    assert len(desk.records()) == 1
    ran = desk.process()
    assert ran.returncode == 0, ran.stderr
    assert f"next: aws s3 sync s3://cars/{desk.folder.name}/out out-shards && sageseg analysis merge" in ran.stderr
    assert "it cost $0.00 (this project's table" in ran.stderr
    assert desk.jobs() == {started(left): "Completed"}
    assert desk.records() == []


def test_ctrl_c_leaves_the_job_and_the_same_command_follows_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rehearse(desk.folder, WAITS)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(follow, "sleep", interrupt)
        ran = desk.process()
    assert ran.returncode == 130
    assert re.search(r"goes on; the same command again follows it, sageseg jobs stop \S+ ends it", ran.stderr)
    left = desk.process("--dry-run")
    assert f"note: processing job {started(ran)} makes shards there now; it goes on with that" in left.stderr
    assert len(desk.jobs()) == 1


@pytest.mark.parametrize("asked", [True, False], ids=["after AWS was asked", "before AWS was asked"])
def test_killed_in_the_asking_the_same_command_starts_no_second_job(
    desk: Desk, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where AWS's list does not tell of the job yet."""
    rehearse(desk.folder, WAITS)

    def killed(*given: Any) -> str:
        if asked:
            create(*given)
        raise KilledError

    monkeypatch.setattr(begun, "_listed", lambda *_: None)
    with monkeypatch.context() as patch:
        patch.setattr(begun, "create", killed)
        with pytest.raises(KilledError):
            desk.process()
    name = begun.parse_begun(desk.records()[0].read_bytes(), desk.records()[0]).name
    ran = desk.process("--no-wait")
    assert ran.returncode == 0, ran.stderr
    assert (f"job {name} makes shards there now" in ran.stderr) is asked
    assert desk.jobs() == {name: "InProgress"}


def test_other_words_at_the_place_of_a_job_are_refused_while_it_runs_and_when_it_has_ended(desk: Desk) -> None:
    rehearse(desk.folder, WAITS)
    name = started(desk.process("--no-wait", more=["--colors", "light"]))
    ran = desk.process(more=["--colors", "safe"])
    assert ran.returncode == 1
    place = f"s3://cars/{desk.folder.name}"
    assert ran.stderr.splitlines()[-1].startswith(
        f"error: processing job {name}: makes the shards of {place}/out by another line, with --colors light where "
        "--colors safe is typed; wait for its end, or choose another --out or --shards, or type that line: sageseg "
    )
    typed(["jobs", "stop", name], desk.folder)
    rehearse(desk.folder, {})  # else a job that is started now waits a minute
    desk.process(more=["--colors", "light"])  # the stopped one, followed to its end, or another
    assert desk.process(more=["--colors", "light"]).returncode == 0
    before = desk.jobs()
    ran = desk.process(more=["--colors", "safe"])
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith(
        f"error: {place}/out: its shards are made by another line, with --colors light where --colors safe is typed"
    )
    assert desk.jobs() == before


def test_shards_in_a_place_that_is_read_are_refused(desk: Desk) -> None:
    """Who begins later would read what another has made."""
    ran = desk.process(out="in/out")
    place = f"s3://cars/{desk.folder.name}"
    assert ran.stderr.splitlines()[-1] == (
        f"error: {place}/in/out: lies in {place}/in, which is to be read; choose another --out or --shards"
    )
    assert desk.jobs() == {}


def test_a_job_that_is_begun_elsewhere_meanwhile_is_gone_on_with(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the price is being looked at."""
    rehearse(desk.folder, WAITS)
    others = list[Ran]()

    def slowly(*given: Any) -> None:
        agree(*given)
        if not others:
            others.append(Ran([], 0, "", ""))
            monkeypatch.setenv("SAGESEG_HOME", str(desk.folder / "another-home"))
            others.append(desk.process("--no-wait"))
            monkeypatch.setenv("SAGESEG_HOME", str(desk.folder / "sageseg-home"))

    monkeypatch.setattr("jobs.processing.start.agree", slowly)
    ran = desk.process("--no-wait")
    assert ran.returncode == 0, ran.stderr
    assert f"processing job {started(others[1])} makes shards there now" in ran.stderr
    assert len(desk.jobs()) == 1


def test_only_one_command_of_a_machine_asks_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of one line, a moment apart, would both see no job."""
    rehearse(desk.folder, WAITS)
    asked = list[str]()

    def guarded(*given: Any) -> None:
        (lock,) = (desk.folder / "sageseg-home" / "locks").iterdir()
        with pytest.raises(SagesegError, match="another sageseg is writing here"):
            open_locked(lock, lock, wait=False)
        begun.begin(*given)
        asked.append(lock.name)

    monkeypatch.setattr("jobs.processing.start.begin", guarded)
    assert desk.process("--no-wait").returncode == 0
    assert len(asked) == len(desk.jobs()) == 1


def test_a_job_is_stopped_and_what_it_had_not_made_is_made_by_another(desk: Desk) -> None:
    rehearse(desk.folder, WAITS)
    name = started(desk.process("--no-wait"))
    assert typed(["jobs", "stop", name], desk.folder).stdout == f"{name}: stopping\n"
    rehearse(desk.folder, {})
    ran = desk.process()
    if ran.returncode:  # it was still stopping, and that was followed
        assert f"{name}: Stopped (somebody stopped it" in ran.stderr
        ran = desk.process()
    assert ran.returncode == 0, ran.stderr
    assert sorted(desk.jobs().values()) == ["Completed", "Stopped"]


def test_a_running_job_is_among_the_leftovers(desk: Desk) -> None:
    rehearse(desk.folder, WAITS)
    name = started(desk.process("--no-wait"))
    ran = typed(["jobs", "leftovers"], desk.folder)
    assert re.search(rf"processing job +{name} ", ran.stdout), ran.stdout + ran.stderr


def test_a_job_is_followed_by_its_name_to_its_end(desk: Desk) -> None:
    rehearse(desk.folder, WAITS)
    name = started(desk.process("--no-wait"))
    ended = typed(["jobs", "stop", name], desk.folder)
    assert ended.returncode == 0, ended.stderr
    ran = typed(["jobs", "logs", name, "--follow"], desk.folder)
    assert ran.returncode == 1
    assert re.search(rf"{name}: Stopped \(somebody stopped it.* the line that started it, typed again", ran.stderr)
    rehearse(desk.folder, {})
    name = started(desk.process("--no-wait"))
    ran = typed(["jobs", "logs", name, "--follow"], desk.folder)
    assert (ran.returncode, ran.stdout) == (0, f"{name}: Completed\n")
    assert "images: 3 of 18, on 2 host(s)" in ran.stderr


def test_too_low_a_quota_is_told_before_anything_is_asked_for(desk: Desk) -> None:
    rehearse(desk.folder, {"quotas": {"ml.c5.2xlarge for processing job usage": 1}})
    ran = desk.process()
    assert ran.returncode == 1
    assert re.search(
        r"2 × ml.c5.2xlarge: this account's quota 'ml.c5.2xlarge for processing job usage' is 1; lower --instances",
        ran.stderr.splitlines()[-1],
    )
    ran = desk.process("--instance-type", "ml.c5.2xlarge,ml.m5.2xlarge")
    assert ran.returncode == 0, ran.stderr
    assert "note: ml.c5.2xlarge is not tried: this account's quota 'ml.c5.2xlarge for" in ran.stderr
    assert re.search(r"started \S+ \S+ \S+ on 2 × ml.m5.2xlarge: shards", ran.stderr)


def test_a_quota_that_others_use_up_is_a_refusal_and_leaves_no_record(desk: Desk) -> None:
    rehearse(desk.folder, {**WAITS, "quotas": {"ml.c5.2xlarge for processing job usage": 2}})
    desk.process("--no-wait")
    ran = desk.process(out="other")
    assert ran.returncode == 1
    assert "ResourceLimitExceeded" in ran.stderr.splitlines()[-1]
    assert len(desk.records()) == 1


def test_of_several_types_the_first_with_capacity_runs_and_is_priced(desk: Desk) -> None:
    rehearse(desk.folder, {"processing_jobs": {"ml.c5.2xlarge": {"capacity_error": True}}})
    ran = desk.process("--instance-type", "ml.c5.2xlarge,ml.m5.2xlarge")
    assert ran.returncode == 0, ran.stderr
    assert "if it has no capacity: 2 × ml.m5.2xlarge: $" in ran.stderr
    assert "it cost $" in ran.stderr
    (name,) = desk.jobs()
    shown = typed(["jobs", "show", name], desk.folder).stdout
    assert re.search(r"^cost +\$0.00 \(this project's table", shown, re.MULTILINE)
    assert "2 × ml.m5.2xlarge (chosen from ml.c5.2xlarge or ml.m5.2xlarge)\n" in shown


def test_a_name_that_an_earlier_job_of_the_place_has_is_numbered(desk: Desk, moto: str) -> None:
    assert desk.process("--name", "cars").returncode == 0
    key = f"{desk.folder.name}/out/shard-1-of-2/shard.json"
    aws_client("s3", moto).delete_object(Bucket="cars", Key=key)
    ran = desk.process("--name", "cars")
    assert ran.returncode == 0, ran.stderr
    assert sorted(desk.jobs()) == ["cars", "cars-2"]


def test_a_damaged_record_is_named(desk: Desk) -> None:
    rehearse(desk.folder, WAITS)
    desk.process("--no-wait")
    (record,) = desk.records()
    record.write_text('{"name": "a b", "created": "2026-11-29T10:00:00+00:00"}')
    ran = desk.process()
    assert ran.returncode == 1
    assert re.search(rf"{re.escape(str(record))}: damaged \(name is 'a b'; .* sageseg jobs list", ran.stderr)

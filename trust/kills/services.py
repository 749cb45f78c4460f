"""Kills of the verbs that speak with AWS: moto stands for S3, an emulator for SageMaker, and containers are stand-ins
that train and serve in an instant. Killed is the command, or the emulator, or the container's program."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.aws_setup import REGION, SECRET, TOKEN, aws_client, moto_server, no_price_list
from tests.support.emulator_setup import programs
from tests.support.keys import KEYS
from tests.support.processing_setup import MAKES_SHARDS
from tests.support.serving_setup import SERVES
from trust.kills.process import NOWHERE, Ended, Kill, forked, standing
from trust.kills.resources import resources
from trust.kills.tries import Tree, Try, alike_digest, alike_name, points, tree, unlike

_ROLE = "arn:aws:iam::123456789012:role/SageMaker"
_JOB = f"dataset --data s3://cars/one --role {_ROLE} --yes"
TRAIN = f"jobs train {_JOB} --name cars"
_FOLLOWS = "--follow follows it"
"""What is said of a job that is known: the command begins no second one, and says how to go on."""
TRAINS = """
import os
kill = Path({kill!r})
if kill.exists():
    kill.unlink()
    os.kill(os.getpid(), 9)
(root / "model" / "weights").write_text("trained")
print("#quality_metric. host: algo-1, epoch: 0, train loss: 0.5 .")
print("#quality_metric. host: algo-1, epoch: 0, validation mIOU: 0.75 .")
"""

_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sageseg:1"
_PROCESS = f"jobs process --role {_ROLE} --image {_IMAGE} --yes report s3://cars/one --dataset s3://cars/one --out s3://cars/by-hosts"
_LINES = (
    ("upload", "jobs upload dataset s3://cars/two", "", 12),
    ("train", TRAIN, "", 12),
    ("tune", f"jobs tune {_JOB} --max-jobs 2 --range learning_rate=1e-3:1e-1 --name search", "", 6),
    ("deploy", "jobs deploy cars --ttl 1h --yes", "", 8),
    ("deploy what sleeps", "jobs deploy cars --async --yes", "", 8),
    ("predict by an endpoint", "jobs predict cars dataset --split val --via endpoint --out PLACE", "by-endpoint", 8),
    ("predict by a batch", "jobs predict cars dataset --split val --via batch --yes --out PLACE", "by-batch", 10),
    ("process", _PROCESS, "", 10),
    ("register", "jobs register cars --group fleet", "", 6),
    ("run", "run experiment.yaml", "", 8),
)
_EXPERIMENT = f"""
out: ran
prep: {{carvana: [train, train_masks], crop: 48, val: 1}}
train: {{backend: aws, data: s3://cars/three, role: {_ROLE}, name: of-a-run, mini_batch_size: 8, "yes": true}}
predict: {{split: val, via: batch, "yes": true}}
stitch:
report:
"""


def service_tries() -> list[Try]:
    """The command lines that are killed, and how often."""
    return [Try(f"killed: {verb}", line.replace("PLACE", makes), makes, kills) for verb, line, makes, kills in _LINES]


BEFORE = {
    "killed: deploy": (TRAIN,),
    "killed: deploy what sleeps": (TRAIN,),
    "killed: predict by an endpoint": (TRAIN, "jobs deploy cars --yes"),
    "killed: predict by a batch": (TRAIN,),
    "killed: process": (TRAIN,),
    "killed: register": (TRAIN,),
}
"""What is typed before, undisturbed."""


@dataclass(frozen=True)
class State:
    """All that a command leaves: files on the desk, objects in S3, and what SageMaker has."""

    files: Tree
    objects: Tree
    resources: Tree

    def unlike(self, wanted: State) -> str:
        parts = (("files", self.files, wanted.files), ("objects", self.objects, wanted.objects))
        told = [
            f"{name} {unlike(found, other)}"
            for name, found, other in (*parts, ("at AWS", self.resources, wanted.resources))
            if found != other
        ]
        return ", ".join(told)


@dataclass
class Site:
    """A desk with AWS around it. `kept` is what stood there before a command that is tried."""

    place: Path
    desk: Path
    moto: str
    environment: dict[str, str]
    type_line: Callable[[str, int], Callable[[], object]]

    def __post_init__(self) -> None:
        self.home, self.kept = self.place / "aws", self.place / "kept"
        self.s3, self.scheduler = aws_client("s3", self.moto), aws_client("scheduler", self.moto)
        self.alarms = aws_client("cloudwatch", self.moto)
        self.s3.create_bucket(Bucket="cars")
        self.stands = frozenset(path.name for path in self.desk.iterdir())
        self.standing_objects: dict[str, bytes] = {}
        train = TRAINS.format(kill=str(self.place / "kill"))
        self.programs = programs(self.place / "programs", train, SERVES, MAKES_SHARDS)

    def keep(self) -> None:
        """What is there now is there before each try."""
        shutil.rmtree(self.kept, ignore_errors=True)
        for folder in (self.home, self.desk / ".sageseg"):
            if folder.exists():
                shutil.copytree(folder, self.kept / folder.name, ignore=shutil.ignore_patterns("*.lock", "*.socket"))
        self.standing_objects = {key: self._content(key) for key in self._keys()}

    def restore(self) -> None:
        for path in self.desk.iterdir():
            if path.name not in self.stands:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(self.home, ignore_errors=True)
        for folder in (self.home, self.desk / ".sageseg"):
            if (self.kept / folder.name).exists():
                shutil.copytree(self.kept / folder.name, folder)
        for key in self._keys():
            if key not in self.standing_objects:
                self.s3.delete_object(Bucket="cars", Key=key)
        for found in self.scheduler.list_schedules()["Schedules"]:
            self.scheduler.delete_schedule(Name=found["Name"])
        self.alarms.delete_alarms(AlarmNames=self._alarms())

    def _keys(self) -> list[str]:
        """But for what a killed caller of a queue leaves there, which goes with the endpoint."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="cars")
        return [found["Key"] for page in pages for found in page.get("Contents", ()) if "/async/" not in found["Key"]]

    def _alarms(self) -> list[str]:
        return [found["AlarmName"] for found in self.alarms.describe_alarms()["MetricAlarms"]]

    def _content(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket="cars", Key=key)["Body"].read())

    @contextmanager
    def sagemaker(self, killed_after: float = 0) -> Iterator[tuple[int, str]]:
        """An emulator that goes on from what is there, until it is killed."""

        @contextmanager
        def serve() -> Iterator[str]:
            from jobs.emulator import keys
            from jobs.emulator.server import running_server

            keys.new_keys = lambda: KEYS
            s3 = aws_client("s3", self.moto)
            with running_server(self.home, programs=self.programs, make_s3=lambda: s3, grace_seconds=0) as server:
                yield server.url

        with standing(serve, self.place, Kill(seconds=killed_after)) as (process, url):
            yield process, url

    def types(self, line: str, url: str, kill: Kill = NOWHERE) -> Ended:
        at = {
            f"AWS_ENDPOINT_URL_{name}": url
            for name in (
                *("SAGEMAKER", "SAGEMAKER_RUNTIME", "CLOUDWATCH_LOGS", "SERVICE_QUOTAS"),
                "APPLICATION_AUTO_SCALING",
            )
        }
        return forked(_hurried(self.type_line(line, 1)), self.desk, {**self.environment, **at}, kill)

    def state(self, url: str) -> State:
        files = {
            name: found
            for path in sorted(self.desk.iterdir())
            if path.name not in self.stands or path.name == ".sageseg"
            for name, found in tree(path, self.desk).items()
        }
        objects = {alike_name(key): alike_digest(Path(key), self._content(key)) for key in self._keys()}
        schedules = {f"schedule {found['Name']}": "" for found in self.scheduler.list_schedules()["Schedules"]}
        scaling = aws_client("application-autoscaling", url).describe_scaling_policies(ServiceNamespace="sagemaker")
        sleeps = {f"policy {found['ResourceId']} {found['PolicyName']}": "" for found in scaling["ScalingPolicies"]}
        alarms = {f"alarm {name}": "" for name in self._alarms()}
        return State(files, objects, resources(aws_client("sagemaker", url)) | schedules | sleeps | alarms)


def _hurried(work: Callable[[], object]) -> Callable[[], object]:
    def hurried() -> None:
        from jobs.cost import prices
        from jobs.tracking.job_calls import POLL_SECONDS

        setattr(prices, "_ask", no_price_list)  # noqa: B010 (its parameters have names)
        POLL_SECONDS.update(aws=0.02, local=0.02)
        work()

    return hurried


@contextmanager
def open_site(
    place: Path, materials: Path, type_line: Callable[[str, int], Callable[[], object]], environment: dict[str, str]
) -> Iterator[Site]:
    place.mkdir()
    shutil.copytree(materials, place / "desk")
    (place / "desk" / "experiment.yaml").write_text(_EXPERIMENT)
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    with standing(moto_server, place) as (_, url):
        aws = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **keys}
        lease = {"SAGESEG_SCHEDULER_ROLE": _ROLE}
        yield Site(place, place / "desk", url, environment | aws | lease, type_line)


def faults_at(site: Site, tried: Try, seed: int) -> Iterator[str | None]:
    """For each kill of the command, what was wrong after it, or None."""
    with site.sagemaker() as (_, url):
        for line in BEFORE.get(tried.kind, ()):
            before = site.types(line, url)
            if before.code:
                raise RuntimeError(before.said)
    site.keep()
    with site.sagemaker() as (_, url):
        undisturbed = site.types(tried.line, url)
        whole = site.state(url)
    if undisturbed.code:
        yield f"{tried.line}: cannot be tried, undisturbed it ends with {undisturbed.code}: {undisturbed.said[-300:]}"
        return
    for kill in points(tried, undisturbed, random.Random(f"{seed} {tried.line}")):  # noqa: S311 (repeatable)
        site.restore()
        with site.sagemaker() as (_, url):
            ended = site.types(tried.line, url, kill)
            if ended.code == 0 and kill.seconds:
                continue  # it was quicker
            wrong = "; ".join(_wrong(site, tried, url, whole, ended))
        yield f"{tried.line}: {kill}: {wrong}" if wrong else None


def _wrong(site: Site, tried: Try, url: str, whole: State, ended: Ended) -> Iterator[str]:
    if "Traceback" in ended.said:
        yield f"the killed one ended in a traceback: {ended.said[-400:]}"
    between = tree(site.desk / tried.makes, site.desk) if tried.makes else {}
    complete = {name: found for name, found in whole.files.items() if Path(name).parts[0] == tried.makes}
    if between and between != complete:
        yield f"under {tried.makes} stood {unlike(between, complete)}"
    again = site.types(tried.line, url)
    if again.code and _FOLLOWS in again.said:
        again = site.types(f"jobs logs {tried.line.split()[-1]} --follow", url)
    done = (between and "exists already" in again.said) or "is there already (InService)" in again.said
    if again.code and not done:
        yield f"typed again it ended with {again.code}: {again.said[-300:]}"
    if told := site.state(url).unlike(whole):
        yield f"afterwards {told}"


def faults_without(site: Site, chances: int, seed: int) -> Iterator[str | None]:
    """For each kill of the emulator, and of a container's program, what was wrong: the command ends in one line, the
    job is over and not stuck, and the same training under another name gives the same artefact."""
    site.keep()
    with site.sagemaker() as (_, url):
        undisturbed = site.types(TRAIN, url)
        artefact = site.state(url).objects["one/output/cars/output/model.tar.gz"]
    chance = random.Random(seed)  # noqa: S311 (repeatable)
    for number in range(chances):
        site.restore()
        after = chance.uniform(0, 1.2 * undisturbed.seconds)
        if number % 3:
            with site.sagemaker(killed_after=after) as (_, url):
                ended = site.types(TRAIN, url)
            what = f"the emulator killed after {after:.3f} s"
        else:
            (site.place / "kill").touch()
            with site.sagemaker() as (_, url):
                ended = site.types(TRAIN, url)
            what = "the container's program killed"
        with site.sagemaker() as (_, url):
            wrong = "; ".join(_wrong_without(site, url, artefact, ended))
        yield f"{what}: {wrong}" if wrong else None


def _wrong_without(site: Site, url: str, artefact: str, ended: Ended) -> Iterator[str]:
    if "Traceback" in ended.said:
        yield f"the command ended in a traceback: {ended.said[-400:]}"
    if ended.code and not ended.said.strip().splitlines()[-1].startswith("error: "):
        yield f"the command ended with {ended.code}: {ended.said[-200:]}"
    stuck = [name for name, status in site.state(url).resources.items() if status not in ("Completed", "Failed", "")]
    if stuck:
        yield f"stuck: {' '.join(stuck)}"
    again = site.types(TRAIN.replace("--name cars", "--name cars-2"), url)
    if again.code:
        yield f"another name ended with {again.code}: {again.said[-300:]}"
    elif site.state(url).objects["one/output/cars-2/output/model.tar.gz"] != artefact:
        yield "another artefact"

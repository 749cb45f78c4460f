"""`sageseg run experiment.yaml`: one file whose sections are the command's own verbs and options.

    out: results
    prep: {carvana: [images, masks], crop: 512, val: 0.2}
    train: {backend: local, algorithm: unet, epochs: 20}
    predict: {split: val}
    stitch: {}
    report: {colors: default}

Each section becomes one command line and runs as if it had been typed, so there is one meaning of
every option and one set of error messages. Paths in the file are relative to it; what is printed can be followed from
where the user stands, and the jobs are those of the user's own folder.

Results are kept by run, `results/runs/N` (`runs.py`): settings that change begin another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import typer.core

from formats.console import detail, say
from formats.disk.whole_files import write_text
from formats.errors import SagesegError, shown
from formats.state_home import home, working_in
from formats.texts.redaction import redact
from formats.texts.wording import format_seconds
from jobs.recording.place import check_installed
from sageseg.experiment.checks import check_dataset, check_steps, given_dataset, usage_errors
from sageseg.experiment.runs import FOLDERS, Runs
from sageseg.experiment.steps import TRAININGS, Step, model_of, plan_steps, read_experiment
from sageseg.told_report import show_report

if TYPE_CHECKING:
    from formats.dataset import Dataset


def run_experiment(path: Path, app: typer.Typer) -> Path | None:
    """Run every step of an experiment that is not done already, as command lines of `app`. Returns the report's page,
    from where the user stands, if there is one.

    All command lines are checked before the first one runs. Raises SagesegError naming the file
    and the section.
    """
    sections = read_experiment(path)
    if "mlflow" in sections:
        check_installed(sections["mlflow"])
    with working_in(path.parent) as stands:
        out = Path(str(sections.get("out", ".")))
        runs, steps = Runs(out if Path.cwd() == stands else out.absolute()), plan_steps(sections)
        given = given_dataset(sections, path)
        bucket, values = check_steps(sections, steps, path, app)
        if not any(runs.trained) and "predict" in sections and not sections.keys() & set(TRAININGS):
            raise SagesegError(f"{path}: section predict: no training before it; add a section train")
        records, elsewhere = _home_of(runs, stands)
        with _jobs_in(records):
            gates = [step for step in steps if step.name == "gate"]
            plan = _fingerprints([step for step in steps if step not in gates], runs, given)
            number = runs.begin(plan, records)
            detail(f"run {number} of {out}: its jobs are in {records}")
            running = _Running(
                app, path, stands, runs, number, elsewhere, bucket, given, values, sections.get("mlflow")
            )
            running.keep(path.name)
            for step in steps:
                if step not in gates:
                    running.run(step, plan[step.name])
            running.write_down("".join(plan.values()))
            running.tell()
            for step in gates:  # last: it may end the run
                running.judge(step)
            return running.page


def _home_of(runs: Runs, stands: Path) -> tuple[Path, str]:
    """Where the jobs' records are: where the user's other commands look, unless this experiment's are elsewhere. With
    what those must begin with to find them."""
    with contextlib.chdir(stands):
        usual = home()
    _, job = runs.trained
    if job and runs.home != str(usual) and Path(runs.home, "jobs", job).is_dir():
        finds = f"SAGESEG_HOME={shlex.quote(runs.home)}"
        say(f"note: the jobs of this experiment are in {runs.home}; {finds} finds them")
        return Path(runs.home), f"{finds} "
    return usual, ""


@contextlib.contextmanager
def _jobs_in(records: Path) -> Iterator[None]:
    before = os.environ.get("SAGESEG_HOME")
    os.environ["SAGESEG_HOME"] = str(records)
    try:
        yield
    finally:
        del os.environ["SAGESEG_HOME"]
        if before is not None:
            os.environ["SAGESEG_HOME"] = before


def _fingerprints(steps: Sequence[Step], runs: Runs, given: Dataset | None) -> dict[str, str]:
    """By step; each depends on those before it, without a training among them on the job that is there, and on the
    dataset that is `given`."""
    chain = "" if any(step.name in TRAININGS for step in steps) else model_of(*runs.trained)
    chain += given.digest if given else ""
    told = {}
    for step in steps:
        told[step.name] = chain = step.fingerprint(chain)
    return told


@dataclass
class _Running:
    """One run under way. `stands` is the folder that the user called from; a command that is typed there begins with
    `elsewhere` to find the jobs. `bucket` is where in S3 shards go, if they do; `given` is the dataset, if it is not
    the experiment's own; `values` are those of each step's command line. `mlflow` is where its job is written down, if
    it is."""

    app: typer.Typer
    path: Path
    stands: Path
    runs: Runs
    number: int
    elsewhere: str
    bucket: str
    given: Dataset | None
    values: Mapping[str, Mapping[str, Any]]
    mlflow: str | None = None

    def __post_init__(self) -> None:
        self.trained = self.runs.trained
        self.folders = {name: self.runs.folder(self.number, name) for name in FOLDERS}
        if self.given:
            self.folders["prep"] = self.given.root

    def keep(self, name: str) -> None:
        """Leave the experiment file as it is now with the run's results."""
        place = self.folders["report"].parent
        place.mkdir(parents=True, exist_ok=True)
        write_text(place / name, redact(Path(name).read_text(encoding="utf-8")))

    def run(self, step: Step, fingerprint: str) -> None:
        found = self.runs.found(step.name, fingerprint)
        if found is not None:
            self._take(step, fingerprint, *found)
            return
        detail(
            f"{step.name}: no run has done it with this section, its files and the steps before it ({fingerprint[:12]})"
        )
        words = self._words(step, fingerprint)
        facts = {"job": self.trained[1]} if step.name in TRAININGS else {}
        folder = self.folders.get(step.name)
        if folder and folder.exists() and (step.name != "prep" or self.runs.made_dataset()):
            words.append("--overwrite")  # what this experiment made, never a stranger's
        self.runs.intend(self.number, step.name, fingerprint, **facts)
        if step.name in TRAININGS and "predict" in self.values:
            self._look_ahead()
        if words:
            self._type(step, words)
        if "--no-wait" in words and step.name in TRAININGS:
            raise SagesegError(
                f"{self.path}: section {step.name}: wait: {self.trained[1]} was begun and is not followed; run the "
                "same again, and it goes on with that job"
            )
        if folder and not folder.exists():
            raise SagesegError(f"{self._shown(str(folder))}: not there yet; run the same again once its job has ended")
        self.runs.record(self.number, step.name, fingerprint, **facts)

    def _look_ahead(self) -> None:
        """Raise SagesegError for what the steps after a training would refuse of the dataset."""
        from formats.dataset import open_dataset

        predict, least = self.values["predict"], self.values.get("gate", {}).get("least", ())
        dataset = open_dataset(self.folders["prep"])
        check_dataset(dataset, predict["split"], [each.score for each in least], images=bool(predict["images"]))

    def judge(self, step: Step) -> None:
        """Say, each time anew, whether the scores are high enough. Raises SagesegError where they are not."""
        again = ["--overwrite"] if self.folders["gate"].exists() else []
        self._type(step, [*step.line(self.folders, ""), *again])

    def _type(self, step: Step, words: list[str]) -> None:
        say(f"$ sageseg {' '.join(self._shown(word) for word in words)}")
        began = time.monotonic()
        with usage_errors(self.path, step):
            code = self.app(words, prog_name="sageseg", standalone_mode=False)
        if code:  # typer answers an interrupt so, too; what was not carried out is not recorded
            raise typer.Exit(code)
        detail(f"{step.name}: took {format_seconds(time.monotonic() - began)}")

    def _words(self, step: Step, fingerprint: str) -> list[str]:
        """What is to be typed. Of a training or tuning, under the name of one that an earlier call began and nothing
        ended; of one that is there, what follows it; nothing where it has trained models, though it did not end well.
        """
        if step.name not in TRAININGS:
            # of other settings as little a beginning there as here
            there = {"shards": f"{self.bucket}/{fingerprint[:16]}"} if self.bucket else {}
            return step.line({**self.folders, **there}, model_of(*self.trained))
        from aws.names import MAX_NAME, default_name
        from jobs.contract.tuning_request import MAX_NAME as MAX_TUNING_NAME
        from sageseg.experiment.begun_jobs import state_of

        begun = self.runs.begun_job(fingerprint)
        state = state_of(begun) if begun else "over"
        most = MAX_TUNING_NAME if step.name == "tune" else MAX_NAME
        fresh = step.job or default_name(Path.cwd().name, now=datetime.now(UTC), most=most)
        name = begun if begun and state != "over" else fresh
        self.trained = (step.name, name)
        if state == "enough":
            say(f"note: {name} did not end well; it goes on with the best job so far, {model_of('tune', name)}")
            return []
        if state == "there":
            return ["jobs", "logs", name, "--follow"]
        return [*step.line(self.folders, name), *(["--mlflow", self.mlflow] if self.mlflow else [])]

    def _take(self, step: Step, fingerprint: str, number: int, facts: Mapping[str, str]) -> None:
        """What is done already, in this run or in another."""
        if step.name in TRAININGS:
            self.trained = (step.name, facts["job"])
            self.runs.record(self.number, step.name, fingerprint, job=facts["job"])
            say(f"{step.name}: done already, job {facts['job']}")
            return
        self.folders[step.name] = self.runs.folder(number, step.name)
        say(f"{step.name}: done already, {self._shown(str(self.folders[step.name]))}")
        if step.name == "report":
            show_report(self.folders["report"])

    def write_down(self, plan: str) -> None:
        """Write the job, and the scores of its report, down at an MLflow server, once for what was done. A server that
        is away costs nothing but that."""
        name, job = self.trained
        if not (self.mlflow and job):
            return
        lines = _record_lines(self.mlflow, name, job, self.folders["report"] if "report" in self.values else None)
        fingerprint = hashlib.sha256("\n".join([plan, *lines[-1]]).encode()).hexdigest()
        if self.runs.found("record", fingerprint):
            return
        try:
            for line in lines:
                self._type(Step("record", ("jobs", "record"), ()), line)
        except SagesegError as e:
            again = " ".join(map(self._shown, lines[-1]))
            say(f"warning: {shown(e)}; the run is as it is; {self.elsewhere}sageseg {again} writes it down")
        else:
            self.runs.record(self.number, "record", fingerprint)

    def tell(self) -> None:
        """Where the job's record is, and how to compare with the run before."""
        _, job = self.trained
        if job:
            shown = self._shown(str(home()))
            say(f"{self.elsewhere}sageseg jobs show {job} tells of the job; its record is in {shown}")
        report = self.folders["report"]
        before = self.runs.report_before(report)
        if report.is_dir() and before:
            out = self.runs.out / f"comparison-{before.parent.name}-{report.parent.name}"
            places = " ".join(self._shown(str(place)) for place in (before, report))
            say(f"sageseg analysis compare {places} --out {self._shown(str(out))} sets this run beside the one before")

    @property
    def page(self) -> Path | None:
        """The report's, from where the user stands."""
        from analysis.report_files import PAGE

        return self._seen(self.folders["report"] / PAGE) if "report" in self.values else None

    def _shown(self, word: str) -> str:
        """A word as it can be typed where the user stands: paths, which are relative to the file, from there."""
        if word and "://" not in word and (Path(word).is_absolute() or (Path.cwd() / word).resolve().exists()):
            word = str(self._seen(Path(word)))
        return shlex.quote(word)

    def _seen(self, path: Path) -> Path:
        place, stands = (Path.cwd() / path).resolve(), self.stands.resolve()
        return place.relative_to(stands) if place.is_relative_to(stands) else place


def _record_lines(uri: str, step: str, job: str, report: Path | None) -> list[list[str]]:
    """The command lines that write an experiment's job down, of a tuning all its trainings before the best."""
    words = ("jobs", "record")
    model = [*words, model_of(step, job), "--mlflow", uri, *(["--report", str(report)] if report else [])]
    return [model] if step == "train" else [[*words, job, "--mlflow", uri], model]

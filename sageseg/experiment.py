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
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import typer
import typer.core

from formats.console import say
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.safe_names import leads_out
from formats.state_home import home, working_in
from formats.texts.redaction import redact
from sageseg.runs import FOLDERS, Runs
from sageseg.steps import STEPS, Step, check_words, plan_steps, read_experiment


def run_experiment(path: Path, app: typer.Typer) -> None:
    """Run every step of an experiment that is not done already, as command lines of `app`.

    All command lines are checked before the first one runs. Raises SagesegError naming the file
    and the section.
    """
    sections = read_experiment(path)
    with working_in(path.parent) as stands:
        out = Path(_out(sections, path))
        runs, steps = Runs(out if Path.cwd() == stands else out.absolute()), plan_steps(sections)
        for step in steps:
            with _usage_errors(path, step):
                check_words(app, step.line({name: runs.folder(1, name) for name in FOLDERS}, "job"))
        if not runs.job and "predict" in sections and "train" not in sections:
            raise SagesegError(f"{path}: section predict: no training before it; add a section train")
        records, elsewhere = _home_of(runs, stands)
        with _jobs_in(records):
            plan = _fingerprints(steps, runs)
            number = runs.begin(plan, records)
            running = _Running(app, path, stands, runs, number, elsewhere)
            running.keep(path.name)
            for step in steps:
                running.run(step, plan[step.name])
            running.tell()


def _out(sections: Mapping[str, Any], path: Path) -> str:
    """Where the results go. An experiment that was passed on writes beside itself, and nowhere else."""
    out = str(sections.get("out", "."))
    if leads_out(out):
        raise SagesegError(
            f"{path}: out is {out!r}; expected a folder below the file's own: move the file to where the results shall "
            "be, or make a link there that leads to them"
        )
    named = next((name for name in STEPS if "out" in (sections.get(name) or {})), None)
    if named:
        raise SagesegError(f"{path}: section {named}: out is the experiment's, for all steps; take it away here")
    return out


@contextlib.contextmanager
def _usage_errors(path: Path, step: Step) -> Iterator[None]:
    try:
        yield
    except typer.TyperException as e:
        raise SagesegError(f"{path}: section {step.name}: {e}") from e


def _home_of(runs: Runs, stands: Path) -> tuple[Path, str]:
    """Where the jobs' records are: where the user's other commands look, unless this experiment's are elsewhere. With
    what those must begin with to find them."""
    with contextlib.chdir(stands):
        usual = home()
    if runs.job and runs.home != str(usual) and Path(runs.home, "jobs", runs.job).is_dir():
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


def _fingerprints(steps: Sequence[Step], runs: Runs) -> dict[str, str]:
    """By step; each depends on those before it, without a training among them on the job that is there."""
    chain = "" if any(step.name == "train" for step in steps) else runs.job
    told = {}
    for step in steps:
        told[step.name] = chain = step.fingerprint(chain)
    return told


@dataclass
class _Running:
    """One run under way. `stands` is the folder that the user called from; a command that is typed there begins with
    `elsewhere` to find the jobs."""

    app: typer.Typer
    path: Path
    stands: Path
    runs: Runs
    number: int
    elsewhere: str

    def __post_init__(self) -> None:
        self.job = self.runs.job
        self.folders = {name: self.runs.folder(self.number, name) for name in FOLDERS}

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
        words = self._train(step, fingerprint) if step.name == "train" else step.line(self.folders, self.job)
        facts = {"job": self.job} if step.name == "train" else {}
        folder = self.folders.get(step.name)
        if folder and folder.exists() and (step.name != "prep" or self.runs.made_dataset()):
            words.append("--overwrite")  # what this experiment made, never a stranger's
        self.runs.intend(self.number, step.name, fingerprint, **facts)
        say(f"$ sageseg {' '.join(self._shown(word) for word in words)}")
        with _usage_errors(self.path, step):
            self.app(words, prog_name="sageseg", standalone_mode=False)
        self.runs.record(self.number, step.name, fingerprint, **facts)

    def _train(self, step: Step, fingerprint: str) -> list[str]:
        """The words of a training, under the name of one that an earlier call began and nothing ended; of one that is
        there, those that follow it."""
        from aws.names import default_name

        begun = self.runs.begun_job(fingerprint)
        state = _state_of(begun) if begun else "over"
        fresh = step.job or default_name(Path.cwd().name, now=datetime.now(UTC))
        self.job = begun if begun and state != "over" else fresh
        return ["jobs", "logs", self.job, "--follow"] if state == "there" else step.line(self.folders, self.job)

    def _take(self, step: Step, fingerprint: str, number: int, facts: Mapping[str, str]) -> None:
        """What is done already, in this run or in another."""
        if step.name == "train":
            self.job = facts["job"]
            self.runs.record(self.number, step.name, fingerprint, job=self.job)
            say(f"train: done already, job {self.job}")
            return
        self.folders[step.name] = self.runs.folder(number, step.name)
        say(f"{step.name}: done already, {self._shown(str(self.folders[step.name]))}")
        if step.name == "report":
            _show_report(self.folders["report"])

    def tell(self) -> None:
        """Where the job's record is, and how to compare with the run before."""
        if self.job:
            shown = self._shown(str(home()))
            say(f"{self.elsewhere}sageseg jobs show {self.job} tells of the job; its record is in {shown}")
        report = self.folders["report"]
        before = self.runs.report_before(report)
        if report.is_dir() and before:
            out = self.runs.out / f"comparison-{before.parent.name}-{report.parent.name}"
            places = " ".join(self._shown(str(place)) for place in (before, report))
            say(f"sageseg analysis compare {places} --out {self._shown(str(out))} sets this run beside the one before")

    def _shown(self, word: str) -> str:
        """A word as it can be typed where the user stands: paths, which are relative to the file, from there."""
        place = (Path.cwd() / word).resolve()
        if word and "://" not in word and (Path(word).is_absolute() or place.exists()):
            stands = self.stands.resolve()
            word = str(place.relative_to(stands)) if place.is_relative_to(stands) else str(place)
        return shlex.quote(word)


def _state_of(job: str) -> Literal["there", "begun", "over"]:
    """Whether a job of an earlier call is there to be followed to its end, is yet to be made, or ended without a
    model."""
    from aws.errors import AwsError, is_missing
    from jobs.tracking.attempts import last_attempt_here
    from jobs.tracking.find_jobs import find_job
    from jobs.tracking.records import read_record, record_path

    if not last_attempt_here(job) and (not record_path(job).exists() or read_record(job).is_begun):
        return "begun"
    try:
        return "there" if find_job(job).status in ("InProgress", "Completed") else "over"
    except AwsError as e:
        if is_missing(e):
            return "over"
        raise


def _show_report(folder: Path) -> None:
    """What `analysis report` printed when it wrote this folder."""
    from analysis.report.scores_shape import read_scores
    from analysis.report.scores_text import format_scores, tell
    from analysis.report_files import PAGE, SCORES

    path = folder / SCORES
    try:
        content = path.read_bytes()
    except OSError as e:
        raise SagesegError(f"{path}: cannot be read ({e.strerror}); remove {folder}, and it is made again") from e
    tell(read_scores(content, path, "shown"), format_scores, folder / PAGE)

"""`sageseg run experiment.yaml`: one file whose sections are the command's own verbs and options.

    out: results
    prep: {carvana: [images, masks], crop: 512, val: 0.2}
    train: {backend: local, algorithm: unet, epochs: 20}
    predict: {split: val}
    stitch: {}
    report: {colors: default}

Each section becomes one command line and runs as if it had been typed, so there is one meaning of
every option and one set of error messages. Paths are relative to the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
import typer.core
import yaml

from formats.console import say
from formats.errors import SagesegError
from formats.staging import write_text
from jobs.contract.hyperparameters import TABLE

STEPS = ("prep", "train", "predict", "stitch", "report")


@dataclass(frozen=True)
class Step:
    """One command line: `verb`, then operands and options. `makes` is the folder it writes, None for a
    job; `reads` are input folders of the user's, whose change makes the step run again; `job` is the
    name that the user gave to the training."""

    name: str
    verb: tuple[str, ...]
    words: tuple[str, ...]
    makes: Path | None = None
    reads: tuple[Path, ...] = ()
    job: str | None = None

    def line(self, job: str) -> list[str]:
        """The words of the command, for the job that is trained or predicted with."""
        if self.name == "train":
            return [*self.verb, *self.words, "--name", job]
        return [*self.verb, *([job] if self.name == "predict" else []), *self.words]


def run_experiment(path: Path, app: typer.Typer) -> None:
    """Run every step of an experiment that is not done already, as command lines of `app`.

    All command lines are checked before the first one runs. Raises SagesegError naming the file
    and the section.
    """
    sections = read_experiment(path)
    with contextlib.chdir(path.parent):
        out = Path(str(sections.get("out", ".")))
        steps = plan_steps(sections, out)
        for step in steps:
            with _usage_errors(path, step):
                check_words(app, step.line("job"))
        done = _Done(out / "steps.json")
        if not done.job and "predict" in sections and "train" not in sections:
            raise SagesegError(f"{path}: section predict: no training before it; add a section train")
        for step in steps:
            _run_step(app, step, done, path)


def read_experiment(path: Path) -> dict[str, Any]:
    """The sections of an experiment file."""
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; sageseg demo writes one to start from") from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise SagesegError(f"{path}: not YAML ({e})") from e
    if not isinstance(sections, dict) or not sections.keys() & set(STEPS):
        raise SagesegError(f"{path}: no step in it; expected sections {', '.join(STEPS)}")
    unknown = [str(name) for name in sections if name not in (*STEPS, "out")]
    if unknown:
        raise SagesegError(f"{path}: section {unknown[0]} is not known; expected out, {', '.join(STEPS)}")
    for name in STEPS:
        if not isinstance(sections.get(name) or {}, dict):
            raise SagesegError(f"{path}: section {name} is no mapping; expected lines such as 'crop: 512'")
    return sections


def plan_steps(sections: Mapping[str, Any], out: Path) -> list[Step]:
    """The command lines of the sections that are there, in the order of the path."""
    dataset, predictions, stitched = (str(out / name) for name in ("dataset", "predictions", "stitched"))
    scored = stitched if "stitch" in sections else predictions
    steps = {
        "train": Step("train", ("jobs", "train"), (dataset,)),
        "predict": _making(out / "predictions", "predict", ("jobs", "predict"), dataset),
        "stitch": _making(out / "stitched", "stitch", ("analysis", "stitch"), predictions, "--dataset", dataset),
        "report": _making(out / "report", "report", ("analysis", "report"), scored, "--dataset", dataset),
    }
    settings = {name: dict(sections[name] or {}) for name in STEPS if name in sections}
    if "prep" in settings:
        reader, reads = _take_reader(settings["prep"])
        step = _making(out / "dataset", "prep", ("prep", reader), *reads)
        steps = {"prep": replace(step, reads=tuple(Path(read) for read in reads)), **steps}
    if "name" in settings.get("train", {}):
        steps["train"] = replace(steps["train"], job=str(settings["train"].pop("name")))
    return [replace(steps[name], words=(*steps[name].words, *_options(settings[name]))) for name in settings]


def _making(folder: Path, name: str, verb: tuple[str, ...], *words: str) -> Step:
    return Step(name, verb, (*words, "--out", str(folder)), folder)


def _take_reader(settings: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    for name, value in settings.items():
        if isinstance(value, list):
            del settings[name]
            return name, tuple(str(part) for part in value)
    raise SagesegError("prep: no reader named; expected a line such as 'carvana: [images, masks]'")


def _options(settings: Mapping[str, Any]) -> Iterator[str]:
    for key, value in settings.items():
        name = str(key).replace("_", "-")
        if isinstance(value, bool) and name.replace("-", "_") not in TABLE:
            yield f"--{name}" if value else f"--no-{name}"
        else:  # hyperparameters are the service's strings, True and False among them
            yield from (f"--{name}", ",".join(map(str, value)) if isinstance(value, list) else str(value))


def check_words(app: typer.Typer, words: Sequence[str]) -> None:
    """Parse a command line without running it. Raises TyperException or SagesegError."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while isinstance(command, typer.core.TyperGroup):
        word = rest.pop(0)
        if word not in command.commands:
            raise SagesegError(f"{word}: not known; expected one of {', '.join(command.commands)}")
        command = command.commands[word]
    command.make_context(" ".join(words[: len(words) - len(rest)]), rest)


@contextlib.contextmanager
def _usage_errors(path: Path, step: Step) -> Iterator[None]:
    try:
        yield
    except typer.TyperException as e:
        raise SagesegError(f"{path}: section {step.name}: {e}") from e


class _Done:
    """Which steps have run with which settings and input, in steps.json."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
        self.chain = ""

    def fingerprint(self, step: Step) -> str:
        """Changes with the step's words, its input folders' files, or any step before it."""
        listing = [
            (str(file), file.stat().st_size, file.stat().st_mtime_ns)
            for folder in step.reads
            for file in sorted(folder.rglob("*"))
        ]
        text = json.dumps([self.chain, step.verb, step.words, step.job, listing])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def job(self) -> str:
        """The name of the job that was trained, empty before one was."""
        return self.steps.get("train", {}).get("job", "")

    def record(self, step: Step, **facts: str) -> None:
        self.steps[step.name] = facts
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.path, json.dumps(self.steps, indent=2) + "\n")


def _run_step(app: typer.Typer, step: Step, done: _Done, path: Path) -> None:
    from aws.names import default_name

    fingerprint = done.fingerprint(step)
    before = done.steps.get(step.name, {})
    done.chain = fingerprint
    if before.get("fingerprint") == fingerprint and (step.makes is None or step.makes.exists()):
        say(f"{step.name}: done already")
        if step.name == "report" and step.makes:
            _show_report(step.makes)
        return
    facts = {"fingerprint": fingerprint}
    if step.name == "train":
        facts["job"] = step.job or default_name(Path.cwd().name, now=datetime.now(UTC))
    words = step.line(facts.get("job") or done.job)
    if step.makes is not None and before:
        words.append("--overwrite")  # what an earlier run of this experiment made, never a stranger's
    say(f"$ sageseg {' '.join(words)}")
    with _usage_errors(path, step):
        app(words, prog_name="sageseg", standalone_mode=False)
    done.record(step, **facts)


def _show_report(folder: Path) -> None:
    """What `analysis report` printed when it wrote this folder."""
    from analysis.report.scores_text import format_scores, tell
    from analysis.report_files import PAGE, SCORES

    tell(json.loads((folder / SCORES).read_text(encoding="utf-8")), format_scores, folder / PAGE)

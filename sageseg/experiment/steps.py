"""The steps of an experiment: its file read, and a command line for each section.

prep: {carvana: [images, masks], crop: 512, val: 0.2}
train: {backend: local, algorithm: unet, epochs: 20}

`tune` may stand in the place of `train`, and `process` has steps made by the instances of processing jobs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from formats.errors import SagesegError
from formats.safe_names import leads_out
from formats.texts.given_files import read_text
from formats.texts.typed_json import short
from formats.texts.yaml_text import parse_yaml
from jobs.contract.hyperparameters import TABLE
from jobs.recording.place import parse_mlflow
from jobs.tracking.tuning_records import BEST

_EXPECTED = "sections such as 'prep: {carvana: [images, masks]}'"
STEPS = ("prep", "train", "tune", "predict", "stitch", "report", "gate")
TRAININGS = ("train", "tune")
"""The steps that make no folder but a job, by which is predicted."""
PROCESSED = ("prep", "stitch", "report")
"""The steps that a section `process` has made by processing jobs, unless it names some of them."""
_SECTIONS = ("out", "dataset", "mlflow", *STEPS, "process")
REPEATED = ("range", "least", "image-set", "leave-out")
"""Options that are typed once for each of several values; those of others are one word."""
VERBS = {
    "prep": ("prep",),
    "train": ("jobs", "train"),
    "tune": ("jobs", "tune"),
    "predict": ("jobs", "predict"),
    "stitch": ("analysis", "stitch"),
    "report": ("analysis", "report"),
    "gate": ("analysis", "gate"),
    "process": ("jobs", "process"),
}
"""By section the words of its command; behind prep stands the reader."""
_NO_LINES = {
    "dry-run": "an experiment carries its steps out",
    "out": "is the experiment's, for all steps",
    "mlflow": "is the experiment's: a line mlflow beside its sections",
    "shard": "an experiment makes all of them, and its section process shares them out",
}
"""Options of commands that no section has, and why."""
_OF_COST, _OF_WILL = ("--max-cost", "--rate"), ("--yes", "--no-yes", "--wait", "--no-wait")
"""Options that decide whether a job is begun and followed, and not what it makes; the first have a value."""
_SWITCHES = {"yes": True, "on": True, "no": False, "off": False}
"""As many write true and false in YAML; no option takes these words for anything else."""


@dataclass(frozen=True)
class Made:
    """The folder that a step makes, as a word of a command line."""

    step: str


@dataclass(frozen=True)
class Step:
    """One command line: `verb`, then operands and options. `reads` are input folders of the user's, whose change makes
    the step run again; `job` is the name that the user gave to the training or tuning. `process` are the options of
    the processing job that makes it, None where this machine does."""

    name: str
    verb: tuple[str, ...]
    words: tuple[str | Made, ...]
    reads: tuple[Path, ...] = ()
    job: str | None = None
    process: tuple[str | Made, ...] | None = None

    def line(self, folders: Mapping[str, Path | str], job: str) -> list[str]:
        """The words of the command, for the folders that the steps make and the job that is begun, or predicted with
        (`model_of`)."""

        def told(words: Sequence[str | Made]) -> list[str]:
            return [str(folders[word.step]) if isinstance(word, Made) else word for word in words]

        if self.name in TRAININGS:
            return [*self.verb, *told(self.words), "--name", job]
        if self.process is not None:
            verb = self.verb if self.name == "prep" else self.verb[1:]
            return [*VERBS["process"], *told(self.process), *verb, *told(self.words)]
        return [*self.verb, *([job] if self.name == "predict" else []), *told(self.words)]

    def fingerprint(self, chain: str) -> str:
        """Changes with the step's words, the files that they name, those of its input folders, or `chain`, which tells
        any step before it; not with who makes it, what that may cost and whether it is waited for, which make no other
        result."""
        try:
            named = [path for word in self.words if isinstance(word, str) and (path := Path(word)).is_file()]
            files = [*named, *(file for folder in self.reads for file in sorted(folder.rglob("*")))]
            listing = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        except OSError as e:
            raise SagesegError(f"{self.name}: {e.filename}: cannot be read ({e.strerror}); correct its name") from e
        words = [repr(word) for word in _making_results(self.words)]
        return hashlib.sha256(json.dumps([chain, self.verb, words, self.job, listing]).encode()).hexdigest()


def _making_results(words: Sequence[str | Made]) -> Iterator[str | Made]:
    """The words without options that change no result."""
    left = iter(words)
    for word in left:
        if word in _OF_COST:
            next(left, None)
        elif word not in _OF_WILL:
            yield word


def model_of(step: str, job: str) -> str:
    """What is predicted with, of the job that a training or a tuning made."""
    return f"{job}{BEST}" if step == "tune" else job


def read_experiment(path: Path) -> dict[str, Any]:
    """The sections of an experiment file."""
    if not path.exists():
        raise SagesegError(f"{path}: not found; sageseg demo writes one to start from")
    try:
        sections = parse_yaml(read_text(path, _EXPECTED))
    except ValueError as e:
        raise SagesegError(f"{path}: not YAML of plain values ({e}); expected {_EXPECTED}") from e
    if not isinstance(sections, dict):
        raise SagesegError(f"{path}: no step in it; expected sections {', '.join(STEPS)}")
    unknown = [str(name) for name in sections if name not in _SECTIONS]
    if unknown:
        raise SagesegError(f"{path}: section {unknown[0]} is not known; {meant(unknown[0], _SECTIONS)}")
    if not sections.keys() & set(STEPS):
        raise SagesegError(f"{path}: no step in it; expected sections {', '.join(STEPS)}")
    out = sections.get("out", "")
    if not isinstance(out, str | int | float):
        raise SagesegError(f"{path}: out is {short(out)}; expected a folder")
    if leads_out(str(out)):  # one that was passed on writes beside itself, and nowhere else
        raise SagesegError(
            f"{path}: out is {str(out)!r}; expected a folder below the file's own: move the file to where the results "
            "shall be, or make a link there that leads to them"
        )
    if not isinstance(sections.get("dataset", ""), str):
        raise SagesegError(f"{path}: dataset is {short(sections['dataset'])}; expected the folder of a dataset")
    if "mlflow" in sections:
        parse_mlflow(str(sections["mlflow"]), f"{path}: mlflow:")
    for name in (*STEPS, "process"):
        _check_section(sections.get(name), f"{path}: section {name}")
    if "prep" in sections and _reader(sections["prep"] or {}) is None:
        raise SagesegError(f"{path}: prep: no reader named; expected a line such as 'carvana: [images, masks]'")
    _check_together(sections, path)
    return sections


def meant(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"expected {', '.join(known)}"


def _check_together(sections: Mapping[str, Any], path: Path) -> None:
    """Raise SagesegError for sections that do not go together."""
    if all(name in sections for name in TRAININGS):
        raise SagesegError(f"{path}: sections train and tune: predictions are by one of them; take the other away")
    if "prep" in sections and "dataset" in sections:
        raise SagesegError(f"{path}: dataset and a section prep: one dataset is made or given; take one of them away")
    if "gate" in sections and "report" not in sections:
        raise SagesegError(f"{path}: section gate: no report before it; add a section report")
    if "process" not in sections:
        return
    given = (sections["process"] or {}).get("steps", [])
    for step in given if isinstance(given, list) else [given]:
        if step not in PROCESSED:
            raise SagesegError(f"{path}: section process: steps: {step}; {meant(str(step), PROCESSED)}")
        if step not in sections:
            raise SagesegError(f"{path}: section process: steps: {step}: there is no section {step}; add one")
    if not sections.keys() & set(PROCESSED):
        raise SagesegError(f"{path}: section process: no step for it; add one of the sections {', '.join(PROCESSED)}")


def _check_section(section: Any, where: str) -> None:
    """Raise SagesegError unless each of a section's lines has a value, or several that are none of lists."""
    if not isinstance(section or {}, dict):
        raise SagesegError(f"{where} is no mapping; expected lines such as 'crop: 512'")
    for name, value in (section or {}).items():
        if why := _NO_LINES.get(str(name).replace("_", "-")):
            raise SagesegError(f"{where}: {name}: {why}; take it away")
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(one, str | int | float) for one in values):
            raise SagesegError(f"{where}: {name} is {short(value)}; expected a value, or several as [a, b]")


def plan_steps(sections: Mapping[str, Any]) -> list[Step]:
    """The command lines of the sections that are there, in the order of the path. `sections` are as `read_experiment`
    reads them."""
    dataset, predictions = Made("prep"), Made("predict")
    scored = Made("stitch") if "stitch" in sections else predictions
    steps = {
        "train": Step("train", VERBS["train"], (dataset,)),
        "tune": Step("tune", VERBS["tune"], (dataset,)),
        "predict": _making("predict", VERBS["predict"], dataset),
        "stitch": _making("stitch", VERBS["stitch"], predictions, "--dataset", dataset),
        "report": _making("report", VERBS["report"], scored, "--dataset", dataset),
        "gate": _making("gate", VERBS["gate"], Made("report")),
    }
    settings = {name: dict(sections[name] or {}) for name in STEPS if name in sections}
    if "prep" in settings:
        reader, reads = _take_reader(settings["prep"])
        step = _making("prep", (*VERBS["prep"], reader), *reads)
        steps = {"prep": replace(step, reads=tuple(Path(read) for read in reads)), **steps}
    for name in TRAININGS:
        if "name" in settings.get(name, {}):
            steps[name] = replace(steps[name], job=str(settings[name].pop("name")))
    if "process" in sections:
        processed, words = _processing(sections["process"] or {})
        shards = {"prep": ("--shards", Made("shards"))}
        steps |= {
            name: replace(steps[name], process=(*words, *shards.get(name, ()))) for name in processed if name in steps
        }
    return [replace(steps[name], words=(*steps[name].words, *_options(settings[name]))) for name in settings]


def _processing(settings: Mapping[str, Any]) -> tuple[Sequence[str], tuple[str, ...]]:
    """The steps that processing jobs make, and the options of these jobs."""
    steps = settings.get("steps", PROCESSED)
    words = _options({name: value for name, value in settings.items() if name not in ("steps", "shards")})
    return (steps if isinstance(steps, list | tuple) else [steps]), tuple(words)


def _making(name: str, verb: tuple[str, ...], *words: str | Made) -> Step:
    return Step(name, verb, (*words, "--out", Made(name)))


def _take_reader(settings: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The reader that a section of prep names, and what it reads."""
    name = _reader(settings)
    return str(name), tuple(map(str, settings.pop(name)))


def _reader(settings: Mapping[Any, Any]) -> Any:
    """The key of prep's lines that names what is read, None where there is none."""
    lists = (key for key, value in settings.items() if isinstance(value, list))
    return next((key for key in lists if str(key).replace("_", "-") not in REPEATED), None)


def _options(settings: Mapping[str, Any]) -> Iterator[str]:
    for key, given in settings.items():
        name, value = str(key).replace("_", "-"), _SWITCHES.get(str(given).lower(), given)
        if isinstance(value, bool) and name.replace("-", "_") not in TABLE:
            yield f"--{name}" if value else f"--no-{name}"
        elif name in REPEATED:
            for one in value if isinstance(value, list) else [value]:
                yield from (f"--{name}", str(one))
        else:  # hyperparameters are the service's strings, True and False among them
            yield from (f"--{name}", ",".join(map(str, value)) if isinstance(value, list) else str(value))


def has_line(option: str) -> bool:
    """Whether a section may have an option of its command, named `mini-batch-size`, as a line."""
    return option not in _NO_LINES

"""The steps of an experiment: its file read, and a command line for each section.

prep: {carvana: [images, masks], crop: 512, val: 0.2}
train: {backend: local, algorithm: unet, epochs: 20}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
import typer.core

from formats.errors import SagesegError
from formats.texts.given_files import read_text
from formats.texts.typed_json import short
from formats.texts.yaml_text import parse_yaml
from jobs.contract.hyperparameters import TABLE

_EXPECTED = "sections such as 'prep: {carvana: [images, masks]}'"
STEPS = ("prep", "train", "predict", "stitch", "report")
_SWITCHES = {"yes": True, "on": True, "no": False, "off": False}
"""As many write true and false in YAML; no option takes these words for anything else."""


@dataclass(frozen=True)
class Made:
    """The folder that a step makes, as a word of a command line."""

    step: str


@dataclass(frozen=True)
class Step:
    """One command line: `verb`, then operands and options. `reads` are input folders of the user's, whose change makes
    the step run again; `job` is the name that the user gave to the training."""

    name: str
    verb: tuple[str, ...]
    words: tuple[str | Made, ...]
    reads: tuple[Path, ...] = ()
    job: str | None = None

    def line(self, folders: Mapping[str, Path], job: str) -> list[str]:
        """The words of the command, for the folders that the steps make and the job that is trained or predicted
        with."""
        words = [str(folders[word.step]) if isinstance(word, Made) else word for word in self.words]
        if self.name == "train":
            return [*self.verb, *words, "--name", job]
        return [*self.verb, *([job] if self.name == "predict" else []), *words]

    def fingerprint(self, chain: str) -> str:
        """Changes with the step's words, the files that they name, those of its input folders, or `chain`, which tells
        any step before it."""
        try:
            named = [path for word in self.words if isinstance(word, str) and (path := Path(word)).is_file()]
            files = [*named, *(file for folder in self.reads for file in sorted(folder.rglob("*")))]
            listing = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        except OSError as e:
            raise SagesegError(f"{self.name}: {e.filename}: cannot be read ({e.strerror}); correct its name") from e
        words = [repr(word) for word in self.words]
        return hashlib.sha256(json.dumps([chain, self.verb, words, self.job, listing]).encode()).hexdigest()


def read_experiment(path: Path) -> dict[str, Any]:
    """The sections of an experiment file."""
    if not path.exists():
        raise SagesegError(f"{path}: not found; sageseg demo writes one to start from")
    try:
        sections = parse_yaml(read_text(path, _EXPECTED))
    except ValueError as e:
        raise SagesegError(f"{path}: not YAML of plain values ({e}); expected {_EXPECTED}") from e
    if not isinstance(sections, dict) or not sections.keys() & set(STEPS):
        raise SagesegError(f"{path}: no step in it; expected sections {', '.join(STEPS)}")
    unknown = [str(name) for name in sections if name not in (*STEPS, "out")]
    if unknown:
        raise SagesegError(f"{path}: section {unknown[0]} is not known; expected out, {', '.join(STEPS)}")
    if not isinstance(sections.get("out", ""), str | int | float):
        raise SagesegError(f"{path}: out is {short(sections['out'])}; expected a folder")
    for name in STEPS:
        _check_section(sections.get(name), f"{path}: section {name}")
    if "prep" in sections and not any(isinstance(value, list) for value in (sections["prep"] or {}).values()):
        raise SagesegError(f"{path}: prep: no reader named; expected a line such as 'carvana: [images, masks]'")
    return sections


def _check_section(section: Any, where: str) -> None:
    """Raise SagesegError unless each of a section's lines has a value, or several that are none of lists."""
    if not isinstance(section or {}, dict):
        raise SagesegError(f"{where} is no mapping; expected lines such as 'crop: 512'")
    for name, value in (section or {}).items():
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(one, str | int | float) for one in values):
            raise SagesegError(f"{where}: {name} is {short(value)}; expected a value, or several as [a, b]")


def plan_steps(sections: Mapping[str, Any]) -> list[Step]:
    """The command lines of the sections that are there, in the order of the path."""
    dataset, predictions = Made("prep"), Made("predict")
    scored = Made("stitch") if "stitch" in sections else predictions
    steps = {
        "train": Step("train", ("jobs", "train"), (dataset,)),
        "predict": _making("predict", ("jobs", "predict"), dataset),
        "stitch": _making("stitch", ("analysis", "stitch"), predictions, "--dataset", dataset),
        "report": _making("report", ("analysis", "report"), scored, "--dataset", dataset),
    }
    settings = {name: dict(sections[name] or {}) for name in STEPS if name in sections}
    if "prep" in settings:
        reader, reads = _take_reader(settings["prep"])
        step = _making("prep", ("prep", reader), *reads)
        steps = {"prep": replace(step, reads=tuple(Path(read) for read in reads)), **steps}
    if "name" in settings.get("train", {}):
        steps["train"] = replace(steps["train"], job=str(settings["train"].pop("name")))
    return [replace(steps[name], words=(*steps[name].words, *_options(settings[name]))) for name in settings]


def _making(name: str, verb: tuple[str, ...], *words: str | Made) -> Step:
    return Step(name, verb, (*words, "--out", Made(name)))


def _take_reader(settings: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The reader that a section of prep names, and what it reads."""
    name = next(name for name, value in settings.items() if isinstance(value, list))
    return str(name), tuple(map(str, settings.pop(name)))


def _options(settings: Mapping[str, Any]) -> Iterator[str]:
    for key, given in settings.items():
        name, value = str(key).replace("_", "-"), _SWITCHES.get(str(given).lower(), given)
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

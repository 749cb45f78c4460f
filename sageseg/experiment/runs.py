"""What an experiment has run: `<out>/steps.json`, and for each run a folder `<out>/runs/N` that no later run touches.

A run is the experiment with one set of settings and input. A step that an earlier run did alike is not done again: its
results are taken from that run's folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

from aws.names import is_job_name
from formats.disk.whole_files import write_text
from formats.errors import SagesegError
from formats.texts.json_text import format_json
from formats.texts.told_numbers import parse_whole
from formats.texts.typed_json import parse_told, short

FOLDERS = {
    "prep": "dataset",
    "predict": "predictions",
    "stitch": "stitched",
    "report": "report",
    "gate": "gate.json",
    "shards": "dataset-shards",
}
"""What each step makes, training and tuning a job; and where shards of the dataset go: each run has its own, for those
of other settings are no beginning of it."""
_RUNS = "runs"


class Runs:
    """The runs of one experiment, by number from 1: what each was to do and has done, by the steps' fingerprints. The
    dataset is one for all, `<out>/dataset`."""

    def __init__(self, out: Path) -> None:
        self.out, self.path = out, out / "steps.json"
        self._told: dict[str, Any] = {"dataset": "", "home": "", "runs": {}}
        if self.path.exists():
            self._told = _read(self.path)

    @property
    def home(self) -> str:
        """Where the records of its jobs are, as an absolute path; empty before there was any."""
        return str(self._told["home"])

    def begin(self, plan: Mapping[str, str], home: Path) -> int:
        """The number of the run that is to do these steps: an earlier one of the same, as far as both go, or a new
        one."""
        known = [number for number, run in self._numbered() if _goes_with(run["plan"], plan)]
        number = known[-1] if known else self._next()
        run = self._told["runs"].setdefault(str(number), {"done": {}})
        run["plan"] = {**run.get("plan", {}), **plan}
        self._told["home"] = str(home)
        self._write()
        return number

    def folder(self, number: int, step: str) -> Path:
        if step == "prep":
            return self.out / FOLDERS[step]
        return self.out / _RUNS / str(number) / FOLDERS[step]

    def found(self, step: str, fingerprint: str) -> tuple[int, Mapping[str, str]] | None:
        """The latest run that did a step so, with its results still there, and what is to be known of it."""
        if step == "prep" and self._told["dataset"] != fingerprint:
            return None
        for number, run in reversed(list(self._numbered())):
            facts = run["done"].get(step, {})
            there = step not in FOLDERS or self.folder(number, step).is_dir()
            if facts.get("fingerprint") == fingerprint and there:
                return number, facts
        return None

    def intend(self, number: int, step: str, fingerprint: str, **facts: str) -> None:
        """Note that a step is about to be done: whoever is killed in it finds the job, or the dataset, that it made."""
        self._told["runs"][str(number)]["begun"] = {"step": step, "fingerprint": fingerprint, **facts}
        if step == "prep" and not self.folder(number, step).exists():
            self._told["dataset"] = "begun"
        self._write()

    def record(self, number: int, step: str, fingerprint: str, **facts: str) -> None:
        """Note that a step is done."""
        run = self._told["runs"][str(number)]
        run["done"][step] = {"fingerprint": fingerprint, **facts}
        run.pop("begun", None)
        if step == "prep":
            self._told["dataset"] = fingerprint
        self._write()

    def begun_job(self, fingerprint: str) -> str | None:
        """The job of a training like this that was begun last, and that no run has followed to its end."""
        begun = [run.get("begun", {}) for _, run in self._numbered()]
        return next((one.get("job") for one in reversed(begun) if one.get("fingerprint") == fingerprint), None)

    def made_dataset(self) -> bool:
        """Whether the dataset is this experiment's own, and no stranger's."""
        return bool(self._told["dataset"])

    @property
    def trained(self) -> tuple[str, str]:
        """The last step that made a job, and the job's name; both empty before one did."""
        jobs = [
            (step, str(facts["job"]))
            for _, run in self._numbered()
            for step, facts in run["done"].items()
            if "job" in facts
        ]
        return jobs[-1] if jobs else ("", "")

    def report_before(self, report: Path) -> Path | None:
        """The report of the latest other run that has one."""
        reports = [self.folder(number, "report") for number, _ in self._numbered()]
        others = [other for other in reports if other != report and other.is_dir()]
        return others[-1] if others else None

    def _numbered(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in sorted(map(int, self._told["runs"])):
            yield number, self._told["runs"][str(number)]

    def _next(self) -> int:
        there = [parse_whole(path.name) or 0 for path in (self.out / _RUNS).glob("*")]
        return max([0, *there, *map(int, self._told["runs"])]) + 1

    def _write(self) -> None:
        write_text(self.path, format_json(self._told, ascii_only=True) + "\n", durable=True)


class _Run(TypedDict):
    done: dict[str, dict[str, str]]
    plan: dict[str, str]


class _Told(TypedDict):
    dataset: str
    home: str
    runs: dict[str, _Run]


def _read(path: Path) -> dict[str, Any]:
    mend = "move it away, or name another folder as out: all steps then run again"
    told: dict[str, Any] = parse_told(path.read_bytes(), _Told, path, mend)
    for number, run in told["runs"].items():
        if not parse_whole(number):
            raise SagesegError(f"{path}: damaged (runs: {short(number)} is no run's number); {mend}")
        for job in (facts["job"] for facts in run["done"].values() if "job" in facts):
            if not is_job_name(job):
                raise SagesegError(f"{path}: damaged (a job's name is {short(job)}); {mend}")
    if told["home"] and not Path(told["home"]).is_absolute():
        raise SagesegError(f"{path}: damaged (home is {short(told['home'])}; expected an absolute path); {mend}")
    return told


def _goes_with(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether one of two plans is the other, with steps more or fewer at its end."""
    return before.items() <= now.items() or now.items() <= before.items()

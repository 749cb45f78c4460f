"""Which packages are installed, of those that this project needs and of its extras: read from their metadata, so that
none is imported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from jobs.doctor.findings import Finding, State

PURPOSES = {
    "annotate": "labelme, to draw labels with",
    "coco": "prep coco",
    "geo": "rasters on earth: prep geotiff and tiles, analysis geojson",
    "local": "training and predicting on this machine",
    "onnx": "jobs export, and predicting with ONNX models",
    "plot": "jobs metrics --plot, jobs features, notebooks",
    "rehearse": "jobs emulator --with-s3, the rest of AWS on this machine",
    "sdk": "ModelTrainer of the SageMaker SDK",
    "tune": "Bayesian search of jobs tune --backend local",
    "video": "prep frames and predictions of videos, by an ffmpeg of its own",
}
"""What each extra is for; `test` is for those who change this project."""
_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(?:\[[^]]*\])?\s*(?:>=\s*(?P<least>[\d.]+))?[^;]*(?:;.*\bextra\s*==\s*[\"'](?P<extra>[\w-]+)[\"'])?"
)


@dataclass(frozen=True)
class Need:
    """A package, its lowest version, and the extra that brings it; empty where every installation has it."""

    name: str
    least: str
    extra: str


def parse_need(requirement: str) -> Need:
    """`moto[s3]>=5.1; extra == "rehearse"`, as metadata of packages has it."""
    found = _REQUIREMENT.match(requirement)
    return Need(found["name"], found["least"] or "", found["extra"] or "") if found else Need(requirement, "", "")


def examine_base() -> Finding:
    """What every installation has."""
    try:
        needs = _needs()
    except PackageNotFoundError:
        return Finding("fault", "packages", "sageseg is not installed in this Python", "pip install -e .")
    lacking = list(filter(None, map(what_lacks, (need for need in needs if not need.extra))))
    if lacking:
        return Finding("fault", "packages", ", ".join(lacking), "pip install -e .")
    return Finding("ok", "packages", "all that every installation needs")


def examine_extras(wrong_without_torch: State) -> Iterator[Finding]:
    """Each extra of an installed sageseg; without `local` nothing is trained here."""
    for extra, purpose in PURPOSES.items():
        wrong = wrong_without_torch if extra == "local" else "note"
        yield _extra(extra, purpose, [need for need in _needs() if need.extra == extra], wrong)


def _needs() -> list[Need]:
    return [parse_need(each) for each in requires("sageseg") or ()]


def _extra(extra: str, purpose: str, needs: list[Need], wrong: State) -> Finding:
    lacking = list(filter(None, map(what_lacks, needs)))
    if lacking:
        cure = f"pip install -e '.[{extra}]'"
        return Finding(wrong, f"extra {extra}", f"{', '.join(lacking)}; it is for {purpose}", cure)
    have = ", ".join(f"{need.name} {version(need.name)}" for need in needs)
    return Finding("ok", f"extra {extra}", f"{have}; for {purpose}")


def what_lacks(need: Need) -> str:
    """Why a package will not do, in words; empty where it does."""
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return f"{need.name} is not installed"
    return f"{need.name} is {found}, expected {need.least} or newer" if _parts(found) < _parts(need.least) else ""


def _parts(text: str) -> tuple[int, ...]:
    """The numbers of a version, as far as they order releases: `2.13.0+cpu` is 2, 13, 0."""
    return tuple(map(int, re.findall(r"\d+", re.split(r"[+a-z]", text)[0])))

"""The course of the kills: everything imported once, materials drawn once, the command lines shared among processes."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from importlib import import_module
from itertools import groupby
from pathlib import Path
from pkgutil import walk_packages

from trust.kills.process import forked
from trust.kills.services import Site, faults_at, faults_without, open_site, service_tries
from trust.kills.tries import Desk, Try, faults_of
from trust.kills.verbs import FIRST, tries
from trust.outcome import Outcome

SEED = 17
_LOST = 9
"""How often the emulator or a container is killed."""


def outcomes(*, short: bool) -> Iterator[Outcome]:
    """By kind of verb, in their order."""
    with tempfile.TemporaryDirectory(prefix="sageseg-kills-") as place:
        import_everything()
        materials = _draw_materials(Path(place), () if short else FIRST)
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(
            os.cpu_count(), context, initializer=_sit_down, initargs=(materials, Path(place))
        ) as pool:
            # what takes long alone begins first, and the short ones fill up the end
            lost = [] if short else [("emulator or container killed", [pool.submit(_try_without, _LOST)])]
            served = [] if short else service_tries()
            there = [*((each.kind, [pool.submit(_try_at, each)]) for each in served), *lost]
            here = [
                (kind, [pool.submit(_try, each) for each in some]) for kind, some in groupby(tries(short=short), _kind)
            ]
            for kind, some in (*here, *there):
                found = [done.result() for done in some]
                faults = [fault for these, _ in found for fault in these]
                yield Outcome(kind, len(faults), tuple(filter(None, faults)), sum(seconds for _, seconds in found))


def _kind(tried: Try) -> str:
    return tried.kind


def import_everything() -> None:
    """What commands import and make when they run, so that a fork has it."""
    import pytest
    import typer.main

    from sageseg.cli import app
    from tests.support import doc_materials  # noqa: F401
    from tests.support.made_once import make_once

    make_once(pytest.MonkeyPatch())
    typer.main.get_command(app)

    for room in ("formats", "aws", "prep", "jobs", "analysis", "sageseg"):
        package = import_module(room)
        for module in walk_packages(package.__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                with suppress(ModuleNotFoundError):  # triton, without a GPU
                    import_module(module.name)


def type_line(line: str, workers: int) -> Callable[[], object]:
    """The work of a process that types a line."""

    def work() -> None:
        import formats.parallel
        from sageseg.cli import main

        formats.parallel.available_cores = lambda: workers
        sys.argv = ["sageseg", *shlex.split(line)]
        main()

    return work


def _draw_materials(place: Path, lines: Sequence[str]) -> Path:
    def draw() -> None:
        import formats.parallel
        from tests.support.doc_materials import make_materials

        formats.parallel.available_cores = lambda: 1
        make_materials(place / "materials", place / "artefacts")

    desk = place / "materials"
    for work in (draw, *(type_line(line, 1) for line in lines)):
        ended = forked(work, desk if desk.exists() else place, _environment(place))
        if ended.code:
            raise RuntimeError(ended.said)
    if lines:
        (desk / "stitched-on-earth" / "labels.txt").write_text("_background_\nroad\n")
    return desk


def _environment(place: Path) -> dict[str, str]:
    return {"HOME": str(place), "SAGESEG_HOME": ".sageseg", "AWS_EC2_METADATA_DISABLED": "true"}


_HERE: list[tuple[Path, Path]] = []
_DESKS: list[Desk] = []


def _sit_down(materials: Path, place: Path) -> None:
    _HERE.append((materials, place))


def _try(tried: Try) -> tuple[list[str | None], float]:
    began, (materials, place) = time.monotonic(), _HERE[0]
    if not _DESKS:
        folder = place / f"desk-{os.getpid()}"
        shutil.copytree(materials, folder)
        _DESKS.append(Desk(folder, _environment(place), type_line))
    return list(faults_of(_DESKS[0], tried, SEED)), time.monotonic() - began


def _try_at(tried: Try) -> tuple[list[str | None], float]:
    return _at_site(lambda site: faults_at(site, tried, SEED))


def _try_without(chances: int) -> tuple[list[str | None], float]:
    return _at_site(lambda site: faults_without(site, chances, SEED))


def _at_site(work: Callable[[Site], Iterator[str | None]]) -> tuple[list[str | None], float]:
    began, (materials, place) = time.monotonic(), _HERE[0]
    folder = Path(tempfile.mkdtemp(dir=place)) / "site"
    with open_site(folder, materials, type_line, _environment(place)) as site:
        found = list(work(site))
    shutil.rmtree(folder)
    return found, time.monotonic() - began

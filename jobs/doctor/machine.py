"""This machine: Python, memory and cores, room on its disks, ffmpeg, the emulator."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from formats.errors import SagesegError
from formats.parallel import available_cores
from formats.state_home import home
from formats.version import tool_version
from jobs.doctor.findings import Finding, refused

_GIB = 2**30
OLDEST = (3, 11)
"""setup.cfg's python_requires."""
_LITTLE_DISK, _NO_DISK, _LITTLE_MEMORY = 5 * _GIB, 2**28, 2 * _GIB
_CGROUP = Path("/sys/fs/cgroup/memory.max")
_MEMORY = Path("/proc/meminfo")


def examine_machine() -> Iterator[Finding]:
    """What local work needs beside Python and its packages."""
    yield _ffmpeg()
    yield judge_memory(memory_bytes(), available_cores())
    yield examine_disk("this folder", Path.cwd())
    yield examine_disk("SAGESEG_HOME", home())
    yield _temporary()
    yield _emulator()


def examine_python() -> Finding:
    told = f"{platform.python_version()}, {sys.executable}; sageseg {tool_version()}"
    if sys.version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return Finding("fault", "Python", f"{told}; expected {oldest} or newer", f"python{oldest} -m venv .venv")
    return Finding("ok", "Python", told)


def _ffmpeg() -> Finding:
    from formats.video.reading import ffmpeg_program

    try:
        return Finding("ok", "ffmpeg", ffmpeg_program())
    except SagesegError as e:
        return Finding("note", "ffmpeg", f"none, so no videos are read ({e})", "pip install -e '.[video]'")


def memory_bytes() -> int:
    """What processes may take in all: the machine's, or what its container is held to; 0 where nobody tells."""
    lines = _MEMORY.read_text(encoding="utf-8").splitlines() if _MEMORY.is_file() else []
    total = next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemTotal:")), 0)
    limit = _CGROUP.read_text(encoding="utf-8").strip() if _CGROUP.is_file() else ""
    return min(total, int(limit)) if limit.isdecimal() and total else total


def judge_memory(total: int, cores: int) -> Finding:
    if not total:
        return Finding("note", "memory and cores", f"{cores} cores; memory is not told by this system")
    told = f"{_gib(total)}, {cores} cores"
    if total < _LITTLE_MEMORY:
        cure = "pass --workers 1, and train with small --crop-size and --mini-batch-size"
        return Finding("note", "memory and cores", f"{told}; little for images of 4K and for training", cure)
    return Finding("ok", "memory and cores", told)


def examine_disk(name: str, place: Path) -> Finding:
    """Whether a place, or the nearest folder above it that is there, may be written to and has room."""
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    cure = f"choose another: export {name}=FOLDER" if name != "this folder" else "work in another folder"
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding("fault", name, f"{place}: cannot be written to", cure)
    return judge_disk(name, place, shutil.disk_usage(there).free, cure)


def _temporary() -> Finding:
    """Python's place for temporary files: where TMPDIR names one that will not do, it silently takes another."""
    try:
        taken = Path(tempfile.gettempdir())
    except FileNotFoundError as e:  # none of those that it tries can be written to
        return Finding("fault", "TMPDIR", e.strerror or str(e), "choose one: export TMPDIR=FOLDER")
    named = os.environ.get("TMPDIR")
    if named and str(taken) != os.path.abspath(named):  # noqa: PTH100  # as tempfile has it
        told = f"{named}: no folder that may be written to, so {taken} is taken"
        return Finding("note", "TMPDIR", told, "choose another: export TMPDIR=FOLDER, or unset TMPDIR")
    return examine_disk("TMPDIR", taken)


def judge_disk(name: str, place: Path, free: int, cure: str) -> Finding:
    told = f"{place}: {_gib(free)} free"
    if free < _NO_DISK:
        return Finding("fault", name, f"{told}, too little for anything", f"free space, or {cure}")
    if free < _LITTLE_DISK:
        return Finding("note", name, f"{told}, little for a dataset", f"free space, or {cure}")
    return Finding("ok", name, told)


def _emulator() -> Finding:
    from jobs.backends import emulator_here, emulator_is_silent

    try:
        here = emulator_here()
        silent = here is None and emulator_is_silent()
    except SagesegError as e:
        return refused("fault", "emulator", e)
    if silent:
        told = f"one holds {home()}, but does not answer"
        return Finding("fault", "emulator", told, "wait a minute, where it starts or ends; else end its process")
    if here is None:
        return Finding("ok", "emulator", "none runs; --backend local starts it")
    url, number = here
    if number != tool_version():
        cure = "let its jobs end, then the next verb starts a new one"
        return Finding("note", "emulator", f"answers at {url}, of sageseg {number}", cure)
    return Finding("ok", "emulator", f"answers at {url}")


def _gib(size: int) -> str:
    return f"{size / _GIB:,.1f} GiB"

"""Why a program ended that a signal ended: in words, with what the system counted meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

_MEANINGS = {
    signal.SIGABRT: "it gave up, which a library does on what it takes for a bug, or for want of memory",
    signal.SIGBUS: "most often because /dev/shm or the disk is full",
    signal.SIGFPE: "an arithmetic error in a library",
    signal.SIGILL: "this processor lacks an instruction that a library uses",
    signal.SIGSEGV: "a crash inside a library",
    signal.SIGTERM: "somebody ended it",
}
OUT_OF_MEMORY = "the system ended it because memory ran out"
LIKELY_OUT_OF_MEMORY = "somebody ended it, or the system did, as it does when memory runs out"
_SIGNALLED = 128


def oom_kills(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """How often the system has ended processes for want of memory, as far as it tells: of the whole machine, of this
    container, of this group of processes."""
    own = _lines(proc / "self" / "cgroup")
    group = next((line.removeprefix("0::/") for line in own if line.startswith("0::/")), "")
    counters = (proc / "vmstat", cgroups / "memory.events", cgroups / group / "memory.events")
    found = [line.split() for counter in dict.fromkeys(counters) for line in _lines(counter)]
    return sum(int(words[1]) for words in found if words[:1] == ["oom_kill"] and words[1:] and words[1].isdecimal())


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return


def signal_of(exit_code: int) -> signal.Signals | None:
    """The signal that ended a program, by its exit code as a shell counts it."""
    try:
        return signal.Signals(exit_code - _SIGNALLED) if exit_code > _SIGNALLED else None
    except ValueError:
        return None


def describe_ending(exit_code: int, *, memory_ran_out: bool) -> str:
    """What is known of a program that a signal ended; empty for one that ended by itself."""
    ended_by = signal_of(exit_code)
    if ended_by is None:
        return ""
    if ended_by == signal.SIGKILL:
        return f"ended by SIGKILL: {OUT_OF_MEMORY if memory_ran_out else LIKELY_OUT_OF_MEMORY}"
    meaning = _MEANINGS.get(ended_by)
    return f"ended by {ended_by.name}" + (f": {meaning}" if meaning else "")

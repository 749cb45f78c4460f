"""What is said of a program that a signal ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.emulator.host.endings import describe_ending, oom_kills


@pytest.mark.parametrize(
    ("code", "ran_out", "words"),
    [
        (137, True, "ended by SIGKILL: the system ended it because memory ran out"),
        (137, False, "ended by SIGKILL: somebody ended it, or the system did, as it does when memory runs out"),
        (139, True, "ended by SIGSEGV: a crash inside a library"),
        (128 + 10, False, "ended by SIGUSR1"),
        (1, True, ""),
        (255, True, ""),
    ],
)
def test_a_signal_is_named_and_explained(code: int, ran_out: bool, words: str) -> None:
    assert describe_ending(code, memory_ran_out=ran_out) == words


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_each_counter_that_the_system_has_is_looked_at(tmp_path: Path) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    assert oom_kills(proc, cgroups) == 0  # macOS has none
    write(proc / "vmstat", "nr_free_pages 7\noom_kill 2\n")
    assert oom_kills(proc, cgroups) == 2
    write(proc / "self/cgroup", "1:name=systemd:/x\n0::/user.slice/a\n")
    write(cgroups / "user.slice/a/memory.events", "low 0\noom 9\noom_kill 3\noom_group_kill 1\n")
    assert oom_kills(proc, cgroups) == 5
    write(cgroups / "memory.events", "oom_kill 4\n")  # of a container, which sees its own as the root
    assert oom_kills(proc, cgroups) == 9
    write(cgroups / "memory.events", "oom_kill\noom_kill x\n")
    assert oom_kills(proc, cgroups) == 5

"""The short form of the kills: everything is imported once more, in a process of its own that can be forked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_is_killed_is_done_again_as_if_it_had_not_been() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "trust", "--short", "kills"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    tried = [int(count) for count in re.findall(r"\| killed: .*? \| (\d+) \|", ran.stdout)]
    assert len(tried) == 2
    assert min(tried) > 0


def test_every_verb_that_writes_a_folder_or_file_is_killed() -> None:
    """As a process, for what it imports registers verbs."""
    import typer.main

    from docsite.reference.commands import verbs
    from sageseg.cli import app
    from trust.kills.services import service_tries
    from trust.kills.verbs import tries

    lines = [tried.line for tried in (*tries(short=False), *service_tries())]
    writing = {
        words.removeprefix("sageseg ")
        for words, command in verbs(typer.main.get_command(app), "sageseg")
        if any("--out" in option.opts for option in command.params)
    }
    untried = {words for words in writing if not any(f"{line} ".startswith(f"{words} ") for line in lines)}
    # a run; what writes by staging alone, and takes seconds or an instant; what prints, and leaves writing to the jobs
    # that it starts
    assert untried == {"demo", "jobs export", "init", "schema", "jobs pipeline"}

"""Completion by the tab key, as bash asks for it: with the function that `--show-completion` prints, in bash itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command_name

from formats.verbs.completion import closed_choice, kept_names, several_of
from sageseg.cli import app
from sageseg.experiment.command_lines import find_command

ROOT = Path(__file__).parents[2]
PROGRAM = f"""#!{sys.executable}
from sageseg.cli import main
main()
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command on its path and with two jobs."""
    folder = tmp_path_factory.mktemp("shell")
    program = folder / "bin" / "sageseg"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    for name in ("cars", "cars-2", "roads"):
        (folder / ".sageseg" / "jobs" / name).mkdir(parents=True)
    (folder / ".sageseg" / "endpoints" / "cars-live").mkdir(parents=True)
    return folder


def press_tab(shell: Path, *lines: str) -> list[list[str]]:
    """What bash would offer at the end of each line; all in one bash."""
    asked = "\n".join(
        f'COMP_WORDS=({line}); COMP_CWORD={line.count(" ")}; _sageseg_completion sageseg; echo "${{COMPREPLY[*]}}"'
        for line in lines
    )
    given = {name: value for name, value in os.environ.items() if not name.startswith("SAGESEG_")}
    ran = subprocess.run(
        ["/bin/bash", "--norc", "-c", f'eval "$(_SAGESEG_COMPLETE=source_bash sageseg)"\n{asked}'],
        cwd=shell,
        env={**given, "PATH": f"{shell / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    return [line.split() for line in ran.stdout.splitlines()]


def test_bash_completes_verbs_options_words_and_names(shell: Path) -> None:
    verbs, options, words, names, instances, files = press_tab(
        shell,
        "sageseg jobs sh",
        "sageseg jobs train --early-stopping-t",
        "sageseg jobs train --optimizer a",
        "sageseg jobs show ca",
        "sageseg jobs train --instance-type ml.p2.xlarge,ml.g5.4",
        "sageseg run exp",
    )
    assert verbs == ["show"]
    assert options == ["--early-stopping-tolerance"]
    assert words == ["adam", "adagrad"]
    assert names == ["cars", "cars-2", "cars-live"]  # show knows endpoints too
    assert instances == ["ml.p2.xlarge,ml.g5.4xlarge", "ml.p2.xlarge,ml.g5.48xlarge"]
    assert files == []  # bash goes on with files then: complete -o default


@pytest.mark.parametrize(
    ("words", "parameter", "offered"),
    [
        (("jobs", "delete"), "endpoint", ["cars-live"]),
        (("jobs", "logs"), "name", ["cars", "cars-2"]),
        (("jobs", "deploy"), "job", ["cars", "cars-2"]),
        (("jobs", "metrics"), "name_or_logfile", ["cars", "cars-2"]),
        (("doctor",), "backend", []),
        (("analysis", "report"), "colors", []),
    ],
)
def test_what_begins_so_is_offered(
    words: tuple[str, ...], parameter: str, offered: list[str], shell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGESEG_HOME", str(shell / ".sageseg"))
    command, _ = find_command(app, words)
    (found,) = (each for each in command.params if each.name == parameter)
    context = command.make_context("x", [], resilient_parsing=True)
    assert [item.value for item in found.shell_complete(context, "ca")] == offered
    assert [item.value for item in found.shell_complete(context, "")] != []


def test_whatever_names_a_job_or_an_endpoint_is_completed() -> None:
    """By what help says of it, so that a verb that moves or is new is held to it."""
    jobs = next(group.typer_instance for group in app.registered_groups if group.name == "jobs")
    asked = {}
    for verb in jobs.registered_commands if jobs else ():
        command, _ = find_command(app, ("jobs", verb.name or get_command_name(verb.callback.__name__)))  # type: ignore[union-attr]
        for each in command.params:
            if re.match("Name of an? (job|endpoint)|A job's name", getattr(each, "help", None) or ""):
                asked[command.name] = each._custom_shell_complete is not None
    assert len(asked) > 9
    assert [verb for verb, offers in asked.items() if not offers] == []


def test_closed_choices_and_lists() -> None:
    assert [closed_choice(text) for text in ("aws|local", "N|none", "", "VALUE")] == [["aws", "local"], [], [], []]
    assert several_of(("a", "ab"))("x,a") == ["x,a", "x,ab"]
    assert kept_names("none-such")("") == []

"""How much a command says: `-q`, as usual, `-v`; and colours, which NO_COLOR takes away."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import pytest

from formats.console import agree, detail, open_screen, say, speaking, track, voice
from formats.parallel import _start_worker
from tests.support.aws_setup import Terminal
from tests.support.labelme_samples import write_pair
from tests.support.typed_commands import typed

LINES = ("note: a", "b", "warning: c", "error: d", "interrupted")


@pytest.mark.parametrize(
    ("voice", "said"),
    [("quiet", LINES[2:]), ("usual", LINES), ("verbose", (*LINES, "detail: e"))],
)
def test_what_is_said_of_threads_too(voice: str, said: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    def speak() -> None:
        for line in LINES:
            say(line)
        detail("e")

    with speaking(voice):  # type: ignore[arg-type]
        thread = Thread(target=speak)
        thread.start()
        thread.join()
    assert capsys.readouterr().err.splitlines() == list(said)
    say("as before")
    detail("e")
    assert capsys.readouterr().err == "as before\n"


def test_a_question_is_asked_with_what_led_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    with speaking("quiet"), patch.object(sys, "stdin", Terminal("y\nn\n")):
        say("it costs $3")
        assert agree("start it?", unattended="")
        assert not agree("sure?", unattended="")
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(" [")[0] for line in told] == ["it costs $3", "start it?", "sure?"]


def test_quiet_shows_no_progress_not_even_on_a_terminal() -> None:
    screen = Terminal()
    with speaking("quiet"), patch.object(sys, "stderr", screen):
        assert list(track(range(3), 3, "images")) == [0, 1, 2]
        with open_screen() as shown:
            shown.line("epoch 1")
            shown.live("batch 2")
    assert screen.getvalue() == ""


@pytest.fixture
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else a worker process does to itself as it starts is left out."""
    for name in ("signal.signal", "_keep_memory", "threading.Thread"):
        monkeypatch.setattr(f"formats.parallel.{name}", lambda *_, **__: Thread())
    monkeypatch.setenv("OPENCV_FOR_THREADS_NUM", "1")


@pytest.mark.usefixtures("nobody_waits")
def test_workers_say_as_much_as_who_started_them() -> None:
    with speaking("usual"):
        _start_worker("quiet")
        assert voice() == "quiet"
    assert voice() == "usual"


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_takes_colours_from_the_bar(
    variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    screen = Terminal()
    with patch.object(sys, "stderr", screen):
        assert list(track(range(3), 3, "images")) == [0, 1, 2]
    colours = re.findall(r"\x1b\[[\d;]*\b(?:3[0-9]|9[0-7]|38;[\d;]+)m", screen.getvalue())
    assert ("images" in screen.getvalue(), bool(colours)) == (True, coloured)


def test_the_command_takes_them_before_the_verb(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "shoot").mkdir(exist_ok=True)
        write_pair(tmp_path / "shoot", f"a{number}")
    line = ["prep", "labelme", "shoot", "--crop", "64", "--val", "0", "--out"]
    usual = typed([*line, "usual"], tmp_path)
    quiet = typed(["-q", *line, "quiet"], tmp_path)
    loud = typed(["--verbose", *line, "loud"], tmp_path)
    assert usual.returncode == 0, usual.stderr
    assert (quiet.returncode, quiet.stderr, quiet.stdout) == (0, "", usual.stdout.replace("usual", "quiet"))
    details = [line for line in loud.stderr.splitlines() if line.startswith("detail: ")]
    assert any("read labelme: 3 images" in line for line in details), loud.stderr
    assert [line for line in loud.stderr.splitlines() if line not in details] == usual.stderr.splitlines()


def test_what_goes_wrong_is_told_quietly_too(tmp_path: Path) -> None:
    ran = typed(["-q", "jobs", "show", "none-such"], tmp_path)
    assert (ran.returncode, ran.stderr.count("\n"), ran.stderr[:7]) == (1, 1, "error: ")
    both = typed(["-q", "-v", "jobs", "list"], tmp_path)
    assert both.stderr == "error: --quiet and --verbose: one or the other; leave one out\n"
    late = typed(["jobs", "list", "-q"], tmp_path)
    assert late.stderr.splitlines()[-1].endswith("it stands before the verb: sageseg -q jobs list")

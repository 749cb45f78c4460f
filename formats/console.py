"""How every command speaks: results on stdout; progress, notes and questions on stderr; an expected failure as one
line and exit code 1."""

from __future__ import annotations

import io
import json
import re
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

from formats.errors import TOLD, SagesegError, cannot_use, shown
from formats.texts.json_text import json_pieces
from formats.texts.redaction import beneath, redact, redacted_streams

if TYPE_CHECKING:
    import typer

T = TypeVar("T")
_AT_ONCE = 2**16
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_PROGRESS = re.compile(r"([^:]{1,60}): ([0-9]{1,12}) of ([0-9]{1,12})")


def run_app(app: typer.Typer) -> None:
    """Run a command; only here does an expected failure become a line and an exit code; so does a disk that is full or
    may not be written to, wherever it is met."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a class's name that this terminal or pipe cannot show is written as \u5de5, not raised
            stream.reconfigure(errors="backslashreplace")
    with redacted_streams():
        try:
            app()
        except SagesegError as e:
            _fail(e)
        except KeyboardInterrupt:
            say("interrupted")
            sys.exit(130)
        except Exception as e:  # noqa: BLE001  # a bug keeps its traceback, which may hold a secret
            if isinstance(e, OSError) and e.errno in TOLD:
                _fail(cannot_use(e))
            if isinstance(e, FileNotFoundError) and not _stands_somewhere():
                _fail(SagesegError("the current folder is gone; cd to one that is there, and run the same again"))
            traceback.print_exc()
            sys.exit(1)


def _stands_somewhere() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _fail(error: SagesegError) -> NoReturn:
    say(f"error: {shown(error)}")
    sys.exit(1)


_SHOWN: dict[str, str] = {}
"""What paths of this process begin with, and how that is shown."""


def show_as(place: str, name: str) -> None:
    """From now on have lines for the person say `name` for `place`: what was fetched is known by where it lay."""
    _SHOWN[place] = name


Voice = Literal["quiet", "usual", "verbose"]
_voice: Voice = "usual"
_KEPT = ("error: ", "warning: ", "interrupted")
"""What lines begin with that are said where all others are not."""
_held: deque[str] = deque(maxlen=20)
"""What was not said, and is told after all where a question follows, which may be about it."""


@contextmanager
def speaking(voice: Voice) -> Iterator[None]:
    """How much this process says meanwhile, its threads too: of `quiet` ones errors and warnings alone, and what a
    question is about; of `verbose` ones also what they read, decide and ask of AWS (`detail`)."""
    before = _voice
    speak(voice)
    try:
        yield
    finally:
        speak(before)
        _held.clear()


def speak(voice: Voice) -> None:
    """From now on say so much, as a process that works for another."""
    global _voice  # noqa: PLW0603  # threads begin with contexts of their own
    _voice = voice


def voice() -> Voice:
    """How much this process says."""
    return _voice


def detail(line: str) -> None:
    """A line that is said only to whoever wants to follow what is read, decided and asked."""
    if _voice == "verbose":
        say(f"detail: {line}")


def say(line: str) -> None:
    """A line for the person, on stderr; stdout is for results. Where it is quiet, only what went wrong is said."""
    if _voice == "quiet" and not line.startswith(_KEPT):
        _held.append(line)
        return
    _tell(line)


def _tell(line: str) -> None:
    for place, name in _SHOWN.items():
        line = line.replace(place, name)
    sys.stderr.write(redact(line) + "\n")
    sys.stderr.flush()


def result(line: str, *, keys_too: bool = False) -> None:
    """A line of the result, on stdout. Where keys are what was asked for, it is printed as it is."""
    if keys_too:
        beneath(sys.stdout).write(line + "\n")
    else:
        sys.stdout.write(redact(line) + "\n")
    sys.stdout.flush()


def result_json(value: Any) -> None:
    """A result as strict JSON, written as it is made. Letters that stdout cannot show are written as JSON's escapes."""
    for part in _whole_lines(json_pieces(value)):
        sys.stdout.write(redact(_escaped(part, sys.stdout.encoding or "utf-8")))
    result("")


def _whole_lines(pieces: Iterable[str]) -> Iterator[str]:
    """A text by parts that end where a line does: what is hidden in a line is seen in whole lines alone."""
    held, letters = list[str](), 0
    for piece in pieces:
        held.append(piece)
        letters += len(piece)
        if letters >= _AT_ONCE and "\n" in piece:
            lines, end, rest = "".join(held).rpartition("\n")
            yield lines + end
            held, letters = [rest], len(rest)
    yield "".join(held)


def _escaped(text: str, encoding: str) -> str:
    """JSON whose letters the encoding can show; in JSON other letters than ASCII's stand in texts alone."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return text


def ask(question: str, *, as_typed: bool = False) -> str | None:
    """A person's answer in small letters, or `as_typed`; empty for Enter alone; None where nobody is at a terminal to
    give one. The end of input is None too where the answer is `as_typed`, else empty: no answer to a yes or no."""
    if not sys.stdin.isatty():
        return None
    for line in (*_held, question):
        _tell(line)
    _held.clear()
    typed = sys.stdin.readline()
    if as_typed and not typed:
        return None
    answer = typed.strip()
    return answer if as_typed else answer.lower()


def agree(question: str, *, unattended: str) -> bool:
    """Whether a person says yes. Raises SagesegError with `unattended` where nobody can be asked."""
    answer = ask(f"{question} [y/N] (y: yes; Enter, or anything else: no)")
    if answer is None:
        raise SagesegError(unattended)
    if answer not in ("y", "yes", "n", "no", ""):
        say(f"note: {answer} is taken as no")
    return answer in ("y", "yes")


def track(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Pass the items on and show how far they are: a bar on a terminal, elsewhere a line at each
    tenth. Where it is quiet, nothing."""
    if _voice == "quiet":
        yield from items
        return
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as rich_track

        yield from rich_track(items, label, total, console=Console(stderr=True), transient=True)
        return
    tenth = 0
    for done, item in enumerate(items, start=1):
        yield item
        if total and done * 10 // total > tenth:
            tenth = done * 10 // total
            say(format_progress(label, done, total))


def format_progress(label: str, done: int, total: int) -> str:
    """How far some work is, as a line of a log: who follows a job on other machines adds these up."""
    return f"{label}: {done} of {total}"


def parse_progress(line: str) -> tuple[str, int, int] | None:
    """The (label, done, total) of a `format_progress`; None for any other line."""
    found = _PROGRESS.fullmatch(line)
    return (found[1], int(found[2]), int(found[3])) if found else None


@dataclass(frozen=True)
class Screen:
    """`line` shows what stays, `live` replaces the line at the bottom. Plain output has no live line: every
    change would be a line that stays."""

    line: Callable[[str], None] = say
    live: Callable[[str], None] = lambda _text: None


@contextmanager
def open_screen() -> Iterator[Screen]:
    """The screen of this process's stderr."""
    if not sys.stderr.isatty() or _voice == "quiet":
        yield Screen()
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    with Live(Text(""), console=console, transient=True, refresh_per_second=4) as live:
        yield Screen(
            line=lambda text: console.print(Text(redact(text)), soft_wrap=True),
            live=lambda text: live.update(Text(redact(text), no_wrap=True, overflow="ellipsis")),
        )

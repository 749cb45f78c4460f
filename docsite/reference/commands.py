"""A page for each verb: what it does, all its options, the examples of its help, lines that are run in the docs, and
where those stand."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
import typer.core

from sageseg.cli import app
from tests.support.doc_commands import doc_commands

FOLDER = "reference/commands"
_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")
_DEFAULT = re.compile(r"\s*\[(default|required)(?:: ([^\]]*))?\]$")


def verbs(command: Any = None, words: str = "sageseg") -> Iterator[tuple[str, Any]]:
    """Every command that is not hidden, by the words that call it."""
    command = typer.main.get_command(app) if command is None else command
    if command.hidden:
        return
    if not isinstance(command, typer.core.TyperGroup):
        yield words, command
        return
    for name, inner in command.commands.items():
        yield from verbs(inner, f"{words} {name}")


def page_of(words: str) -> str:
    """Where the page of a verb stands."""
    return f"{FOLDER}/{'-'.join(words.split()[1:])}.md"


class _Sections:
    """Takes the place of a help formatter: what a command would print, as headings with rows."""

    def __init__(self) -> None:
        self.found: list[tuple[str, list[tuple[str, str]]]] = []

    @contextmanager
    def section(self, heading: str) -> Iterator[None]:
        self.found.append((heading, []))
        yield

    def write_dl(self, rows: Sequence[tuple[str, str]]) -> None:
        self.found[-1][1].extend(rows)


def command_pages(places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The pages, with one that lists all verbs first. `places`: pages of the repository and where they are staged."""
    root = Path(__file__).parents[2]
    texts = {source: (root / source).read_text(encoding="utf-8") for source in places if source.endswith(".md")}
    examples = {source: [*doc_commands(root / source)] for source in texts}
    every = dict(verbs())
    yield f"{FOLDER}/index.md", _index(every)
    for words, verb in every.items():
        typed = re.compile(rf"{words}(?![\w-])")
        lines = [command.line for commands in examples.values() for command in commands if typed.match(command.line)]
        told = [places[source] for source, text in texts.items() if typed.search(text)]
        yield page_of(words), _page(words, verb, list(dict.fromkeys(lines)), told)


def _index(every: Mapping[str, Any]) -> str:
    text = (
        "# Commands\n\nMade from the commands' own help. Every verb has `--help`; `sageseg --version` tells the "
        "version. Those that ask AWS have `--profile NAME`.\n"
    )
    house = None
    for words, verb in every.items():
        room = words.split()[1] if len(words.split()) > 2 else "all rooms"
        if room != house:
            house = room
            text += (
                f"\n## {'Through all rooms' if room == 'all rooms' else f'sageseg {room}'}\n\n| verb | |\n|---|---|\n"
            )
        first = (verb.help or "").partition("\n")[0]
        text += f"| [`{words}`]({os.path.relpath(page_of(words), FOLDER)}) | {_cell(first)} |\n"
    return text


def _page(words: str, verb: Any, lines: Sequence[str], told: Sequence[str]) -> str:
    # a command's module may read where it was called from: it is asked as the terminal would
    context = verb.make_context(words, [], resilient_parsing=True)
    usage = " ".join([words, *verb.collect_usage_pieces(context)])
    sections = _Sections()
    verb.format_options(context, sections)
    parts = [f"# {words}\n", _prose(verb.help or ""), f"```\n{usage}\n```\n"]
    parts += [_table(heading, rows) for heading, rows in sections.found]
    examples = dict.fromkeys([*verb.epilog.splitlines(), *lines])
    parts.append("## Examples\n\n" + "".join(f"```text\n{wrapped(line)}\n```\n\n" for line in examples))
    if told:
        links = ", ".join(f"[{_title(place)}]({os.path.relpath(place, FOLDER)})" for place in told)
        parts.append(f"## Where it is told of\n\n{links}\n")
    return "\n".join(parts)


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n")) + "\n"


def _table(heading: str, rows: Sequence[tuple[str, str]]) -> str:
    text = f"## {heading}\n\n| {'argument' if heading == 'Arguments' else 'option'} | | default |\n|---|---|---|\n"
    for names, told in rows:
        said = " ".join(told.split())
        found = _DEFAULT.search(said)
        default = (found[2] or found[1]) if found else ""
        if found:
            said = said[: found.start()]
        text += f"| `{names}` | {_cell(said)} | {_cell(default)} |\n"
    return text


def _cell(text: str) -> str:
    return re.sub(r"([\\*_|])", r"\\\1", text).replace("<", "&lt;")


def wrapped(line: str) -> str:
    """A long line as it may be typed, about a hundred letters in each; what stands in quotes stays together."""
    rows, row = [], ""
    for word in _WORD.findall(line):
        if row and len(row) + len(word) > 100:
            rows.append(row)
            row = f"    {word}"
        else:
            row = f"{row} {word}" if row else word
    return " \\\n".join([*rows, row])


def _title(place: str) -> str:
    return {"index.md": "home"}.get(place, place.removesuffix(".md").rpartition("/")[2].replace("-", " "))

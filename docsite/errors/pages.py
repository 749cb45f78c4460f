"""The reference of errors: a page for each house, a room a section, a line a heading that can be linked to."""

from __future__ import annotations

import html
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from aws.errors import NEXT_STEPS
from docsite.errors.lines import ErrorLine, error_lines
from docsite.errors.mistyped import MISTYPED
from docsite.errors.names import CLOSE, OPEN, literal
from docsite.errors.program import Program, read_program
from docsite.errors.reach import reached
from docsite.errors.sites import find_sites
from docsite.reference.commands import page_of, verbs
from jobs.tracking.failures import KNOWN

FOLDER = "reference/errors"
PAGES = {
    "prep": "Errors of prep",
    "prep/readers": "Errors of labels that are read",
    "jobs": "Errors of jobs",
    "jobs/emulator": "Errors of the emulator",
    "jobs/algorithm": "Errors of the open implementation",
    "analysis": "Errors of analysis",
    "sageseg": "Errors of experiments and pipelines",
    "formats": "Errors of files",
    "aws": "Errors of talking with AWS",
}
"""By the rooms that a page has, its title; a room stands on the page of the longest name that fits."""
_MOST_VERBS = 8
_FEWEST_LETTERS = 4
"""A cause with fewer letters of its own says nothing by itself."""
_PLACE = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
_FINDER = """\
<div>
<label for="error-line">Paste the line as it was printed:</label>
<input id="error-line" type="text" autocomplete="off" spellcheck="false" placeholder="error: …">
<ol id="error-hits"></ol>
<p id="error-none" hidden>No line of this version has these words. The words of AWS and of other programs
stand on the last two pages, as far as they are known.</p>
<script src="../../assets/error-lines.js"></script>
<script src="../../assets/find-error.js"></script>
</div>"""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#])")


def error_pages(root: Path) -> Iterator[tuple[str, str]]:
    """All pages of errors, the overview first."""
    program = read_program(root)
    lines = lines_of(program)
    reasons = [line for line in lines if line.is_reason]
    whole = [line for line in lines if not line.is_reason and _letters(line.text)]
    pages = {name: [line for line in whole if _page_of(line) == name] for name in PAGES}
    yield f"{FOLDER}/index.md", _overview(pages, len(reasons))
    yield "assets/error-lines.js", _lines_to_find(pages)
    for name, some in pages.items():
        yield f"{FOLDER}/{_file(name)}.md", _page(PAGES[name], some, program)
    yield f"{FOLDER}/reasons.md", _reasons(reasons, program)
    yield f"{FOLDER}/aws-refusals.md", _refusals()


def lines_of(program: Program) -> list[ErrorLine]:
    """Every line of the program, with the verbs that may meet it."""
    starts = {}
    for words, verb in verbs():
        function = inspect.unwrap(verb.callback)
        starts[words] = (function.__module__, function.__qualname__)
    return error_lines(find_sites(program), reached(program, starts))


def _page_of(line: ErrorLine) -> str:
    return max((name for name in PAGES if f"{line.module.room}/".startswith(f"{name}/")), key=len)


def _lines_to_find(pages: dict[str, list[ErrorLine]]) -> str:
    """The data of assets/find-error.js: the parts of each line that are always the same, its text, and its place."""
    told = [
        (line.text, f"{_file(name)}.html#{entry[0].anchor}")
        for name, some in pages.items()
        for entry in entries(some)
        for line in entry
        if not line.is_thin
    ]
    told += [(line, "index.html#words-that-no-verb-knows") for line, _ in MISTYPED.values()]
    found = [[_PLACE.split(text)[::2], _PLACE.sub(lambda place: place[1], text), place] for text, place in told]
    return f"const errorLines = {json.dumps(found, ensure_ascii=False)}\n"


def _file(page: str) -> str:
    return page.replace("/", "-")


def _overview(pages: dict[str, list[ErrorLine]], reasons: int) -> str:
    rows = "".join(f"| [{PAGES[name]}]({_file(name)}.md) | {len(entries(some))} |\n" for name, some in pages.items())
    return (
        "# Errors\n\nEvery line with which a command ends, found in its code: what happened, the next step, and the "
        f"verbs that may meet it.\n\n{_FINDER}\n\nIn the search, leave out names and numbers of your own: those stand "
        "here in capitals. A line that is told behind another, such as `section gate: …`, has its own place.\n\n"
        "| page | lines |\n|---|---|\n"
        f"{rows}| [Reasons inside other lines](reasons.md) | {reasons} |\n"
        "| [AWS's refusals and failed trainings](aws-refusals.md) | |\n\n"
        "The exit code is 1 for these lines, 2 for words that no verb knows; "
        f"what else is printed, with a traceback, is a bug of the program.\n\n{_mistyped()}"
    )


def _mistyped() -> str:
    rows = "".join(f"| {_cell(line)} | {cure} |\n" for line, cure in MISTYPED.values())
    return (
        "## Words that no verb knows\n\nNothing was begun. How the verb is called stands first, what is wrong last:"
        "\n\n```text\nUsage: sageseg jobs train [OPTIONS] {dataset}\nTry 'sageseg jobs train --help' for help.\n\n"
        "Error: No such option: --epoch; did you mean --epochs?\n```\n\n"
        f"| line | next step |\n|---|---|\n{rows}"
    )


def _page(title: str, lines: Sequence[ErrorLine], program: Program) -> str:
    rooms: dict[str, list[ErrorLine]] = {}
    for line in lines:
        rooms.setdefault(line.module.room, []).append(line)
    return f"# {title}\n\n" + "".join(_room(room, some, program) for room, some in sorted(rooms.items()))


def _room(room: str, lines: Sequence[ErrorLine], program: Program) -> str:
    package = program.modules[room.replace("/", ".")]
    said = package.docstring.partition("\n")[0]
    return f"## {room}\n\n{said}\n\n" + "".join(map(_entry, entries(lines)))


def entries(lines: Iterable[ErrorLine]) -> list[list[ErrorLine]]:
    """The lines that stand under one heading: those of a module that tell the same cause, with several next steps."""
    found: dict[tuple[str, str], list[ErrorLine]] = {}
    for line in lines:
        told = literal(line.cause) if _letters(line.cause) >= _FEWEST_LETTERS else line.text
        found.setdefault((line.module.name, told), []).append(line)
    return list(found.values())


def _letters(wording: str) -> int:
    return sum(letter.isalpha() for letter in literal(wording))


def _entry(lines: Sequence[ErrorLine]) -> str:
    first = lines[0]
    heading = f"#### {_shown(first.cause if _letters(first.cause) else first.text)} {{#{first.anchor}}}\n\n"
    cures = [*dict.fromkeys(_shown(line.cure) if line.told else line.cure for line in lines)]
    steps = (
        f"**Next step:** {cures[0]}" if len(cures) == 1 else "\n- ".join(["**Next steps**, one of these:\n", *cures])
    )
    verbs = sorted({verb for line in lines for verb in line.verbs})
    met = f"*Met by {_verbs(verbs)}.*\n\n" if verbs else ""
    return f"{heading}{steps}\n\n{met}"


def _step(cure: str) -> str:
    is_order = not cure.startswith("expected ")
    return f"**Next step:** {cure}" if is_order else f"**Expected:** {cure.removeprefix('expected ')}"


def _verbs(verbs: Sequence[str]) -> str:
    if len(verbs) > _MOST_VERBS:
        return f"{len(verbs)} verbs"
    return ", ".join(
        f"[{each.removeprefix('sageseg ')}](../commands/{page_of(each).rpartition('/')[2]})" for each in verbs
    )


def _shown(wording: str) -> str:
    """A wording in Markdown: what the program says as it is, and the places of values set apart."""
    parts = _PLACE.split(wording)
    told = (f"<var>{html.escape(part)}</var>" if number % 2 else _plain(part) for number, part in enumerate(parts))
    return "".join(told).strip()


def _plain(text: str) -> str:
    return html.escape(_MARKDOWN.sub(r"\\\1", text), quote=False)


def _reasons(lines: Sequence[ErrorLine], program: Program) -> str:
    rooms: dict[str, list[ErrorLine]] = {}
    for line in lines:
        rooms.setdefault(line.module.room, []).append(line)
    text = (
        "# Reasons inside other lines\n\nThese words stand in brackets, or behind a colon, in a line that names the "
        "file and the next step.\n\n"
    )
    for room, some in sorted(rooms.items()):
        said = program.modules[room.replace("/", ".")].docstring.partition("\n")[0]
        text += f"## {room}\n\n{said}\n\n" + "".join(f"- {_shown(line.text)}\n" for line in some) + "\n"
    return text


def _refusals() -> str:
    rows = "".join(f"| {_words(pattern)} | {_cell(step)} |\n" for pattern, step in NEXT_STEPS)
    failed = "".join(f"| {_words(known.pattern.pattern)} | {_cell(known.cure({}, False))} |\n" for known in KNOWN)
    return (
        "# AWS's refusals and failed trainings\n\nA request that AWS refuses is told as `what was done: AWS's code: "
        "AWS's words; the next step`. The next step goes by these words, the first that are there: quota and limit, "
        "role and trust, access denied, throttled, missing. The words are those of documentation and public issues; "
        f"which AWS uses today is inferred.\n\n| where AWS's answer says | next step |\n|---|---|\n{rows}\n"
        "## Failed trainings\n\nA training that fails shows AWS's reason and the last lines of its log; behind them "
        "stands what is known to help, by the reason before the log.\n\n"
        f"| where the reason or the log says | what helps |\n|---|---|\n{failed}"
    )


def _words(pattern: str) -> str:
    """What a pattern looks for, as a person would say it: its ways apart, and dots for what may stand between."""
    said = re.sub(r"\[\w(\w)\]", r"\1", pattern)
    said = re.sub(r"\\s\?", " ", re.sub(r"\.\*|\.\{\d+,\d+\}", "…", re.sub(r"\\b|\^|\(\?:|\)\?", "", said)))
    said = re.sub(r"\\(.)", r"\1", said)
    return ", ".join(f"`{way}`" for way in re.split(r"\|(?![^(]*\))", said))


def _cell(text: str) -> str:
    return _shown(text).replace("|", "\\|")

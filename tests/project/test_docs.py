"""Documentation is checked against the commands and the tree."""

import ast
import re
import shlex
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from docsite.reference.commands import verbs
from jobs.contract.hyperparameters import TABLE
from sageseg.cli import app
from sageseg.experiment.command_lines import check_words
from tests.project.test_architecture import ANY, MAY_IMPORT, MODULES
from tests.support.doc_commands import PAGES, ROOT, doc_commands

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DOCS = [*PAGES, ROOT / "CONTRIBUTING.md"]
PLACE = re.compile(
    r"(?<![\w./-])(?:analysis|aws|benchmarks|docs|formats|jobs|notebooks|oracles|prep|sageseg|tests)/(?:[\w.-]+/)*[\w.-]*"
)
HYPERPARAMETERS = {f"--{name.replace('_', '-')}" for name in TABLE}
"""They are documented by docs/hyperparameters.md, which is made from the table."""


def commands() -> Iterator[tuple[str, str]]:
    """Every line of a page that calls sageseg."""
    lines = (command for path in DOCS for command in doc_commands(path))
    yield from ((command.page, command.line) for command in lines if command.line.startswith("sageseg "))


@pytest.mark.parametrize(("document", "line"), sorted(set(commands())))
def test_every_command_in_the_docs_parses(document: str, line: str) -> None:
    words = shlex.split(line)[1:]
    if words == ["--help"]:
        return
    check_words(app, words)


def options(command: Any) -> Iterator[tuple[str, ...]]:
    """The names of each option of a command that is not a hyperparameter: `--wait` and `--no-wait` are one."""
    for parameter in command.params:
        names = tuple(name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--"))
        if names and not getattr(parameter, "hidden", False) and not HYPERPARAMETERS & set(names):
            yield names


VERBS = dict(verbs())


@pytest.mark.parametrize("words", VERBS)
def test_every_command_and_option_is_documented_on_a_page_that_names_the_command(words: str) -> None:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    naming = "\n".join(text for text in texts if re.search(rf"{words}\b", text))
    assert naming, f"{words} stands in no page"
    written = set(re.findall(r"--[a-z][a-z0-9-]*", naming))
    assert [names[0] for names in options(VERBS[words]) if not written & set(names)] == []


def test_readme_has_commands() -> None:
    assert len([line for document, line in commands() if document == "README.md"]) >= 8


def test_links_in_the_docs_lead_somewhere() -> None:
    for path in DOCS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_files_that_the_docs_name_are_there(path: Path) -> None:
    named = {found.rstrip(".") for found in PLACE.findall(path.read_text(encoding="utf-8"))}
    assert sorted(place for place in named if not (ROOT / place).exists()) == []


def test_contributing_says_of_every_room_what_its_docstring_says() -> None:
    told = dict(re.findall(r"^\| `([a-z/]+)/` \| (.+) \|$", CONTRIBUTING, re.MULTILINE))
    packages = {path.parent: path for path in MODULES.values() if path.name == "__init__.py"}
    docstrings = {folder: ast.get_docstring(ast.parse(path.read_text("utf-8"))) for folder, path in packages.items()}
    assert told == {
        folder.relative_to(ROOT).as_posix(): (text or "").splitlines()[0].removesuffix(".")
        for folder, text in docstrings.items()
    }


def floors(rooms: dict[str, str]) -> list[set[str]]:
    """The rooms of a house on the lowest floor that stands above all they may import."""
    levels: dict[str, int] = {}
    while len(levels) < len(rooms):
        for room, others in rooms.items():
            below = set(rooms) - {room, "__main__"} if others == ANY else set(others.split())
            if below <= levels.keys():
                levels[room] = 1 + max((levels[other] for other in below), default=-1)
    return [{room for room, level in levels.items() if level == floor} for floor in sorted(set(levels.values()))]


@pytest.mark.parametrize("house", MAY_IMPORT)
def test_contributing_draws_the_floors_of_the_import_matrix(house: str) -> None:
    (line,) = re.findall(rf"^    {house.replace('.', '/') or 'house'}: (.*)$", CONTRIBUTING, re.MULTILINE)
    drawn = [set(floor.split(", ")) for floor in line.split(" ← ")]
    assert drawn == [floor - {"__main__"} for floor in floors(MAY_IMPORT[house]) if floor - {"__main__"}]


def test_help_knows_every_hyperparameter() -> None:
    from typer.testing import CliRunner

    shown = CliRunner().invoke(app, ["jobs", "train", "--help"]).stdout
    for name in set(TABLE) - {"num_classes", "num_training_samples"}:
        assert f"--{name.replace('_', '-')} " in shown


def test_every_extra_that_pages_and_messages_name_is_there() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*PAGES, *MODULES.values()))
    named = {*re.findall(r"pip install (?:-e )?'\.\[(\w+)\]'", text), *re.findall(r'from_extra\("(\w+)"', text)}
    assert {"plot", "rehearse", "video"} <= named <= set(setup["options.extras_require"])

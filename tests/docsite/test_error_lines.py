"""None of the program's error lines is missing in the docs: every raise is found, each text known and with a cure."""

import ast
import re
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from docsite.errors.lines import ErrorLine
from docsite.errors.mistyped import MISTYPED
from docsite.errors.names import CLOSE, OPEN
from docsite.errors.pages import PAGES, lines_of
from docsite.errors.program import Module, Program, read_program
from docsite.errors.sites import INNER, error_classes, find_sites
from docsite.staging import ROOT
from sageseg.cli import app

NO_LINES = {
    "ArithmeticError": "ends a training whose loss is no number, which the loop tells",
    "AssertionError": "a bug",
    "FileNotFoundError": "of the system, caught where the file is named",
    "HaltedError": "a step of the emulator that was stopped",
    "KeyError": "damaged state of the emulator, which is caught and told",
    "MemoryError": "caught where the image that was predicted is named",
    "NoAnswerError": "of a container, which the emulator words as SageMaker does",
    "ParsingError": "waitress's, answered as HTTP 400",
    "RuntimeError": "a bug",
    "SystemExit": "the end of a serving program that was asked to end",
    "TimeoutError": "caught where a container's answer is awaited",
    "TypeError": "a bug",
    "sqlite3.DatabaseError": "damaged state of the emulator, which is caught and told",
    "tarfile.ReadError": "caught where the archive is named",
    "typer.Exit": "ends with an exit code, after what was printed",
}
"""What is raised and is no line of its own, and why."""
THIN = [
    (r"^[\w ]*ing .*: <REASON>$", "AWS's words, behind what was done"),
    (r"^[^;]*: <(REASON|PROBLEM|WHERE|SAID)>(; )?$|^<SAID>$|^<REASON>; <VALUE>$", "another line, behind its place"),
    (
        r"<MESSAGE>; <CURE>|<NAME> is missing; <MEND>$|<FAILED NAME>: <REASON>",
        "made of parts that have lines of their own",
    ),
    (r"expected <|is '?<", "an option or member and its value are all there is to tell"),
    (r"^<[A-Z ]+>: (no file there|not JSON \(<REASON>\))$|^<RASTER NAME> is in degrees$", "short, and whole"),
    (r"is missing$|read-only$|nothing is at|^s3://<WHERE>|no <VALUE> of VIA", "short, and whole"),
    (
        r"^(line <N>, column <N>|<CHARACTER> at place)|^(no pair|a radius of 0|not UTF-8 text)$",
        "a reason, short and whole",
    ),
]
"""Lines with hardly a word of their own, and why nothing more of them can be known."""


WORDLESS = {
    "<CELL>": "a reason, told with the column that it is of",
    "<FORMAT>": "the emulator's, by its table of resources: that one is not there, or there already",
    "<STAGED>": "another line, with the file's final name",
    "<VALUES>": "other lines, joined",
    "<VALUE>": "another line, handed on",
    "<WHAT>": "another line, of the network",
}
"""What is told without any word of its own, besides reasons of other lines, and why."""


@pytest.fixture(scope="module")
def program() -> Program:
    return read_program(ROOT)


@pytest.fixture(scope="module")
def lines(program: Program) -> list[ErrorLine]:
    return lines_of(program)


def raised(program: Program) -> Iterator[tuple[Module, ast.expr]]:
    for module in program.modules.values():
        for node in module.tops.values():
            if not isinstance(node, ast.ClassDef):  # its methods are tops of their own
                yield from (
                    (module, each.exc)
                    for each in ast.walk(node)
                    if isinstance(each, ast.Raise) and each.exc is not None
                )


def returned_names(function: ast.FunctionDef) -> set[str]:
    returns = function.returns or ast.Constant(None)
    return {each.id for each in ast.walk(returns) if isinstance(each, ast.Name)}


def makers(program: Program, errors: set[str]) -> Iterator[str]:
    """The functions that return errors, whose own calls of an error's class are found."""
    for module in program.modules.values():
        for node in module.tops.values():
            for function in ast.walk(node):
                if isinstance(function, ast.FunctionDef) and returned_names(function) & errors:
                    yield function.name


def test_whatever_is_raised_is_a_line_that_is_found_or_has_a_reason(program: Program) -> None:
    errors = {*error_classes(program), *INNER}
    known = {*errors, *NO_LINES, *makers(program, errors)}
    strange = []
    for module, error in raised(program):
        if isinstance(error, ast.Call):
            name = ast.unparse(error.func).removeprefix("self.")
            if name not in known:
                strange.append(f"{module.name}: raise {name}(…)")
        elif isinstance(error, ast.Name | ast.Attribute):
            name = ast.unparse(error)
            if name[:1].isupper() and name not in known:
                strange.append(f"{module.name}: raise {name}")
    assert strange == []


def test_every_line_tells_the_next_step_or_the_docs_do(lines: list[ErrorLine]) -> None:
    assert [f"{line.module.name}: {line.text}" for line in lines if not line.cure and not line.is_reason] == []


def test_every_line_has_words_of_its_own_or_there_is_a_reason(lines: list[ErrorLine]) -> None:
    shown = [line.text.replace(OPEN, "<").replace(CLOSE, ">") for line in lines if line.is_thin]
    assert [text for text in shown if not any(re.search(pattern, text) for pattern, _ in THIN)] == []
    assert [pattern for pattern, _ in THIN if not any(re.search(pattern, text) for text in shown)] == []


def test_no_line_hides_behind_another_without_words(program: Program) -> None:
    """Lines of no words are all the same to the docs, which tell the first."""
    told = [[text.replace(OPEN, "<").replace(CLOSE, ">") for text in site.texts] for site in find_sites(program)]
    silent = [texts[0] for texts in told if not any(re.sub("<[^>]*>", "", text).strip(" :;") for text in texts)]
    hidden = {text for text in silent if not re.search("REASON|MESSAGE|STRERROR|PROBLEM", text)}
    assert hidden - WORDLESS.keys() == set()
    assert WORDLESS.keys() - hidden == set()


def test_every_line_stands_on_one_page_under_an_anchor_of_its_own(lines: list[ErrorLine]) -> None:
    rooms = {line.module.room.partition("/")[0] for line in lines}
    assert rooms <= PAGES.keys()
    assert len({line.anchor for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        ("every crop is empty (no foreground), so none is kept", "sageseg prep carvana"),
        ("a VPC needs both", "sageseg jobs train"),
        ("no predictions in its manifest.csv", "sageseg analysis combine"),
        ("not there, or deleted meanwhile", "sageseg jobs predict"),
        ("Unable to parse pipeline definition", "sageseg jobs emulator"),
    ],
)
def test_a_line_knows_a_verb_that_meets_it(lines: list[ErrorLine], words: str, verb: str) -> None:
    assert any(words in line.text and verb in line.verbs for line in lines)


@pytest.mark.parametrize("typed", MISTYPED)
def test_what_is_mistyped_is_told_as_the_docs_say_and_ends_with_2(typed: str) -> None:
    ran = CliRunner().invoke(app, typed.split(), prog_name="sageseg")
    pattern = re.sub(f"{OPEN}[^{CLOSE}]*{CLOSE}", ".+", re.escape(MISTYPED[typed][0]))
    assert ran.exit_code == 2
    assert re.fullmatch(f"Error: {pattern}", ran.stderr.splitlines()[-1])

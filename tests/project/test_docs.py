"""Documentation is checked against the commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.contract.hyperparameters import TABLE
from sageseg.cli import app
from sageseg.experiment import check_words

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
COMMAND = re.compile(r"^\s*(?:\$ )?(?:\.venv/bin/)?(sageseg .*?)(?:\s+#.*)?$", re.MULTILINE)


def commands() -> Iterator[tuple[str, str]]:
    """Every line of an indented or fenced block that calls sageseg, continuation lines joined."""
    for path in DOCS:
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        blocks = re.findall(r"```(?:\w*)\n(.*?)```", text, re.DOTALL) + re.findall(
            r"(?:^    .*\n)+", text, re.MULTILINE
        )
        for block in blocks:
            yield from ((path.name, found[1]) for found in COMMAND.finditer(block))


@pytest.mark.parametrize(("document", "line"), sorted(set(commands())))
def test_every_command_in_the_docs_parses(document: str, line: str) -> None:
    words = shlex.split(line)[1:]
    if words == ["--help"]:
        return
    check_words(app, words)


def test_readme_has_commands() -> None:
    assert len([line for document, line in commands() if document == "README.md"]) >= 8


def test_links_in_the_docs_lead_somewhere() -> None:
    for path in DOCS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_help_knows_every_hyperparameter() -> None:
    from typer.testing import CliRunner

    shown = CliRunner().invoke(app, ["jobs", "train", "--help"]).stdout
    for name in set(TABLE) - {"num_classes", "num_training_samples"}:
        assert f"--{name.replace('_', '-')} " in shown

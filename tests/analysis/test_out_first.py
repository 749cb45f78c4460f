"""What stands at --out is looked at before anything is read, and what is read is never replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer.main

from analysis.cli import app
from tests.support.typed_commands import typed

COMMANDS: Any = typer.main.get_command(app).commands  # type: ignore[attr-defined]
FOLDERS = ["areas", "combine", "compare", "cutout", "labelme", "merge", "overlay", "report", "select", "stitch"]
FILES = ["coco", "cvat", "gate", "geojson", "labelstudio", "suspects"]
TWICE = ("combine", "compare")
GIVEN = {"--least": "mean_iou=0"}
"""Values of options that take no number."""


def words(verb: str, place: str) -> list[str]:
    """A verb with all that it must be given, of which nothing is there but `place`."""
    params = [param for param in COMMANDS[verb].params if param.required and param.name != "out"]
    first = [place] * (2 if verb in TWICE else 1)
    arguments = [*first, *[place for param in params[1:] if not param.opts[0].startswith("-")]]
    options = [
        word
        for param in params
        if param.opts[0].startswith("-")
        for word in (param.opts[0], GIVEN.get(param.opts[0], "1"))
    ]
    return ["analysis", verb, *arguments, *options]


def test_every_verb_that_makes_something_is_looked_at() -> None:
    making = {name for name, command in COMMANDS.items() if any(param.name == "out" for param in command.params)}
    assert {*FOLDERS, *FILES, "submission"} == making


@pytest.mark.parametrize("verb", FOLDERS)
def test_a_folder_that_exists_is_refused_first(verb: str, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept.txt").touch()
    ran = typed([*words(verb, "not-there"), "--out", "old"], tmp_path)
    assert (ran.returncode, ran.stderr) == (
        1,
        "error: old: exists already; choose another --out or add --overwrite\n",
    )


@pytest.mark.parametrize("verb", FILES)
def test_a_file_that_exists_is_refused_first(verb: str, tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    ran = typed([*words(verb, "not-there"), "--out", "old"], tmp_path)
    assert (ran.returncode, ran.stderr) == (
        1,
        "error: old: exists already; choose another --out or add --overwrite\n",
    )


@pytest.mark.parametrize("verb", FILES)
def test_a_file_in_a_file_is_refused_first(verb: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = typed([*words(verb, "not-there"), "--out", "file/new"], tmp_path)
    assert ran.returncode == 1
    assert "file/new: cannot be made" in ran.stderr


@pytest.mark.parametrize("verb", FOLDERS)
@pytest.mark.parametrize("out", ["in", "in/deep", "."])
def test_what_is_read_is_never_replaced(verb: str, out: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "precious.txt").touch()
    ran = typed([*words(verb, "in/deep"), "--out", out, "--overwrite"], tmp_path)
    assert ran.returncode == 1
    assert (
        f"error: {out}: holds in/deep, which is to be read and would be replaced; choose another --out\n" in ran.stderr
    )
    assert (tmp_path / "in" / "deep" / "precious.txt").is_file()

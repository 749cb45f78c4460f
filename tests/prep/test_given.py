"""What a verb of a reader is given is looked for before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer.main

from prep.cli import app
from prep.commands.given import PLACES
from tests.support.labelme_samples import write_pair
from tests.support.typed_commands import typed

COMMANDS: Any = typer.main.get_command(app).commands  # type: ignore[attr-defined]
READERS = sorted(name for name, command in COMMANDS.items() if any(p.name == "split_file" for p in command.params))
FILES = [
    (name, param.opts[0])
    for name in READERS
    for param in COMMANDS[name].params
    if param.type_descriptor.annotation is Path
    and param.name not in ("out", "split_file")
    and param.opts[0].startswith("--")
]


def words(verb: str, *more: str) -> list[str]:
    """A verb with all that it needs: places where nothing lies, which nobody comes to see."""
    needed = [param for param in COMMANDS[verb].params if param.required and param.name != "out"]
    given = [word for p in needed for word in ([p.opts[0], "not-there"] if p.opts[0][0] == "-" else ["not-there"])]
    return ["prep", verb, *given, *([] if "--out" in more else ["--out", "new"]), *more]


def refused(tmp_path: Path, verb: str, *more: str) -> str:
    ran = typed(words(verb, *more), tmp_path)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.count("\n") == 1
    return ran.stderr


def test_all_readers_are_looked_at() -> None:
    assert {"labelme", "pairs", "geotiff", "kitti", "manifest"} <= set(READERS)
    assert {("carvana", "--metadata"), ("kitti", "--val-list"), ("pairs", "--colors"), ("voc", "--labels")} <= set(
        FILES
    )


@pytest.mark.parametrize("verb", READERS)
def test_an_out_that_exists_is_refused_first(tmp_path: Path, verb: str) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "kept.txt").touch()
    assert "old: exists already; choose another --out or add --overwrite" in refused(tmp_path, verb, "--out", "old")


@pytest.mark.parametrize("verb", READERS)
def test_an_out_that_cannot_be_made_is_refused_first(tmp_path: Path, verb: str) -> None:
    (tmp_path / "file").touch()
    assert "file/new: cannot be made" in refused(tmp_path, verb, "--out", "file/new")


@pytest.mark.parametrize("verb", READERS)
def test_a_split_file_that_is_not_there_is_refused_first(tmp_path: Path, verb: str) -> None:
    (tmp_path / "images").mkdir()
    options = [word for name in ("--images", "--masks") if name in opts(verb) for word in (name, "images")]
    folders = {p.name for p in COMMANDS[verb].params if p.name in ("images", "masks")}
    given = words(verb, "--split-file", "gone.json", *options)
    given = ["images" if word == "not-there" and folders else word for word in given]
    ran = typed(given, tmp_path)
    assert (ran.returncode, ran.stderr) == (1, "error: gone.json: not found; expected the split.json of a dataset\n")


def opts(verb: str) -> set[str]:
    return {opt for param in COMMANDS[verb].params for opt in param.opts}


@pytest.mark.parametrize(("verb", "option"), FILES)
def test_a_file_that_an_option_names_is_looked_for_first(tmp_path: Path, verb: str, option: str) -> None:
    told = refused(tmp_path, verb, option, "gone.txt")
    assert told.startswith(f"error: gone.txt: no such file; expected the file that {option} names")


@pytest.mark.parametrize("verb", ["labelme", "voc", "manifest"])
def test_a_folder_of_images_is_looked_for_first(tmp_path: Path, verb: str) -> None:
    assert "gone: no such folder; expected one of images" in refused(tmp_path, verb, "--images", "gone")


@pytest.mark.parametrize("out", ["in", ".", "in/sub"])
def test_what_is_read_is_never_replaced(tmp_path: Path, out: str) -> None:
    path = write_pair(tmp_path / "in" / "sub" / "deep", "a")
    ran = typed(["prep", "labelme", "in/sub", "--out", out, "--overwrite"], tmp_path)
    assert ran.returncode == 1
    assert "in/sub, which is to be read and would be replaced; choose another --out" in ran.stderr
    assert path.is_file()


def test_options_that_name_folders_are_known_as_places() -> None:
    folders = {param.name for name in READERS for param in COMMANDS[name].params if param.metavar == "FOLDER"}
    assert folders <= set(PLACES)

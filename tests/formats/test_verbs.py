"""How verbs are mounted: help in groups, the option that was meant, a profile, paths of another system."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from formats.console import result
from formats.errors import SagesegError
from formats.verbs import mounting
from formats.verbs.command_options import option, takes
from formats.verbs.mounting import make_app, use_profile
from formats.verbs.nearest import nearest_options, unknown_option
from formats.verbs.windows_paths import check_path

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class Wheels:
    """How `it` rolls, and on what. Sizes are in inches."""

    count: int = option(4, "How many wheels.")
    spare: bool = option(False, "With one more.")
    region: str | None = option(None, "Where.")


def small_app() -> typer.Typer:
    app = make_app("Cars.")

    @takes(Wheels, "wheels")
    def roll(
        car: Annotated[str, typer.Argument(help="Which car.")],
        wheels: Wheels,
        out: Annotated[Path, typer.Option(help="Where to.")] = Path("road"),
    ) -> None:
        """Roll a car."""
        result(f"{car} {wheels.count} {out} {os.environ.get('AWS_PROFILE')} {[key in os.environ for key in KEYS]}")

    @app.command()
    def park() -> None:
        """Park it."""

    app.command()(roll)
    return app


def test_help_has_a_heading_for_each_dataclass_and_the_rest_last() -> None:
    lines = CliRunner().invoke(small_app(), ["roll", "--help"], terminal_width=80).stdout.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Arguments:", "How it rolls, and on what:", "Options:"]
    under = lines[lines.index("How it rolls, and on what:") : lines.index("Options:")]
    assert [line.split()[0] for line in under if line.startswith("  --")] == [
        "--count",
        "--spare",
        "--region",
        "--profile",
    ]
    assert "no-spare]" not in "".join(lines)  # the default of a switch says nothing
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["roll"], "No such command: roll; did you mean way cars roll?"),
        (["trees", "roll"], "No such command: roll; did you mean way cars roll?"),
        (["cars", "home"], "No such command: home; did you mean way home?"),
        (["cars", "rol"], "No such command: rol; did you mean roll?"),
        (["fly"], "No such command: fly; way --help lists those there are"),
        (["hom"], "No such command: hom; did you mean home?"),
        (["rolll"], "No such command: rolll; did you mean way cars roll?"),
        (["trees", "hom"], "No such command: hom; did you mean way home?"),
        (["--hepl"], "No such option: --hepl; did you mean --help?"),
        (["cars", "--zzz"], "No such option: --zzz; way cars --help lists those there are"),
    ],
)
def test_a_verb_of_another_room_is_named(words: list[str], said: str) -> None:
    app = make_app("A way.")
    app.command("home")(lambda: None)
    app.command("home-host", hidden=True)(lambda: None)
    app.add_typer(small_app(), name="cars")
    app.add_typer(make_app("Trees."), name="trees")
    ran = CliRunner().invoke(app, words, prog_name="way")
    assert ran.exit_code == 2
    assert ran.stderr.endswith(f"Error: {said}\n")


def test_a_verb_that_asks_no_region_has_no_profile() -> None:
    assert "--profile" not in CliRunner().invoke(small_app(), ["park", "--help"]).stdout


def test_a_profile_goes_before_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "theirs")
    for key in KEYS:
        monkeypatch.setenv(key, "x")
    plain = CliRunner().invoke(small_app(), ["roll", "van", "--region", "r"]).stdout
    assert plain == "van 4 road theirs [True, True, True]\n"
    named = CliRunner().invoke(small_app(), ["roll", "van", "--profile", "mine"]).stdout
    assert named == "van 4 road mine [False, False, False]\n"
    use_profile("again")
    assert os.environ["AWS_PROFILE"] == "again"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--cuont", "No such option: --cuont; did you mean --count?"),
        ("--SPARE", "No such option: --SPARE; did you mean --spare?"),
        ("--zzz", "No such option: --zzz; root roll --help lists those there are"),
        ("--regoin=x", "No such option: --regoin; did you mean --region?"),
    ],
)
def test_an_unknown_option_is_answered_with_the_nearest(word: str, said: str) -> None:
    ran = CliRunner().invoke(small_app(), ["roll", "van", word, "1"])
    assert ran.exit_code == 2
    assert said in ran.stderr.splitlines()[-1]


NAMES = ("learning-rate", "lr-scheduler", "mini-batch-size", "validation-mini-batch-size", "spot", "no-spot", "out")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("lr", ["learning-rate"]),
        ("bs", ["mini-batch-size"]),
        ("batch-size", ["mini-batch-size"]),
        ("learning-rate", ["learning-rate"]),
        ("scheduler", ["lr-scheduler"]),
        ("mini-batch", ["mini-batch-size", "validation-mini-batch-size"]),
        ("lerning-rate", ["learning-rate"]),
        ("output-dir", ["out"]),
        ("arch", []),
        ("qqq", []),
    ],
)
def test_the_option_that_was_meant(asked: str, found: Sequence[str]) -> None:
    """By another program's name where the verb has ours, by parts, by letters; nothing where nothing is near."""
    assert nearest_options(asked, NAMES) == found


def test_what_the_dataset_decides_is_told_so() -> None:
    assert "is the dataset's own, so leave it out" in unknown_option("--num_classes", ("crop-size",), "train")
    assert "--help lists" in unknown_option("--num-classes", ("out",), "stitch")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"C:\cars\one", r"C:\cars\one: a path of Windows, .*WSL /mnt/c/cars/one"),
        ("d:/cars", "d:/cars: a path of Windows, .*WSL /mnt/d/cars"),
        (r"cars\one", r"cars\one: no such place; .* separated by /: cars/one"),
    ],
)
def test_paths_of_windows_are_told_as_such(text: str, said: str) -> None:
    with pytest.raises(SagesegError) as refused:
        check_path(text)
    start, _, end = said.partition(".*")
    assert str(refused.value).startswith(start)
    assert str(refused.value).rstrip(")").endswith(end)


def test_names_with_a_backslash_that_are_there_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a\\b"
    odd.touch()
    check_path(str(odd))
    check_path("s3://cars/one")
    monkeypatch.setattr("formats.verbs.windows_paths._OTHER_SYSTEM", False)
    check_path("C:\\cars")


@pytest.mark.parametrize("words", [["C:\\car"], ["van", "--out", "C:\\road"], ["van", "--out", "\\\\server\\road"]])
def test_a_verb_refuses_them_before_it_begins(words: list[str]) -> None:
    ran = CliRunner().invoke(small_app(), ["roll", *words])
    assert isinstance(ran.exception, SagesegError)
    assert ran.stdout == ""


def test_lists_of_paths_are_looked_at_too() -> None:
    with pytest.raises(SagesegError, match="a path of Windows"):
        mounting.check_paths([Path("here"), Path("C:\\there")], is_argument=False)
    mounting.check_paths([r"a:\d+"], is_argument=False)  # a pattern, say


def test_a_file_that_may_not_be_read_is_left_to_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "given").touch()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read all
    app = make_app("A house.")
    app.callback()(lambda: None)

    @app.command()
    def look(place: Path) -> None:
        raise SagesegError(f"{place}: cannot be read (Permission denied)")

    ran = CliRunner().invoke(app, ["look", str(tmp_path / "given")])
    assert isinstance(ran.exception, SagesegError), ran.output

"""What an expected failure says to a person: one line, whatever the file held that it speaks of."""

import types
from pathlib import Path

import pytest

from formats.console import run_app
from formats.errors import Faults, SagesegError, shown
from formats.images import image_errors
from formats.state_home import home


@pytest.mark.parametrize("value", ["a\nb", "a\x1b[31mb", "a\u2028b", "a\0b", "a\ud800b", "a\u202eb", "a\x9bb"])
def test_a_value_with_odd_letters_is_one_line_of_text(value: str) -> None:
    text = shown(SagesegError(f"a.csv: {value} is no class; rename it"))
    assert text.isprintable()
    assert text.startswith("a.csv: a")
    assert text.endswith("b is no class; rename it")


def test_a_long_value_is_cut_between_the_file_and_the_next_step() -> None:
    text = shown(SagesegError(f"a.csv: {'z' * 10_000} is no class; rename it"))
    assert len(text) < 620
    assert text.startswith("a.csv: zzz")
    assert text.endswith("zzz is no class; rename it")


def test_of_several_faults_each_may_be_as_long() -> None:
    faults = Faults()
    for name in ("a", "b", "c"):
        faults.add(SagesegError(f"{name}.csv: {name * 300}; rename it"))
    with pytest.raises(SagesegError) as caught:
        faults.check()
    assert "ccc" in shown(caught.value)
    assert "…" not in shown(caught.value)


@pytest.mark.parametrize("error", [TypeError, KeyError, ZeroDivisionError, IndexError])
def test_what_an_image_library_trips_over_is_a_refusal_and_what_we_do_a_bug(error: type[Exception]) -> None:
    for where, told in (("PIL.AnyPlugin", SagesegError), ("formats.images", error)):
        module = types.ModuleType(where)
        exec("def fail(error):\n    raise error('odd')", module.__dict__)  # noqa: S102  # code of that module
        with pytest.raises(told), image_errors(Path("a.png")):
            module.fail(error)


def test_a_current_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit):
        run_app(Path.cwd)  # type: ignore[arg-type]
    assert capsys.readouterr().err == (
        "error: the current folder is gone; cd to one that is there, and run the same again\n"
    )


def test_a_home_that_is_set_to_nothing_is_the_usual_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAGESEG_HOME", "")
    assert home() == tmp_path / ".sageseg"

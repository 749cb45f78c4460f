"""Which build of torch `make setup` installs; nothing here asks an index."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import setup_torch

ROOT = Path(__file__).parents[2]


def never() -> bool:
    raise AssertionError("the index was asked where its answer does not matter")


@pytest.mark.parametrize(
    ("installed", "system", "driver", "reached", "processor_build", "said"),
    [
        ("2.13.0+cu126", "Linux", False, None, False, "torch 2.13.0+cu126 is there already, and stays"),
        (None, "Darwin", False, None, False, "Darwin: "),
        (None, "Linux", True, None, False, "an NVIDIA driver is here: "),
        (
            None,
            "Linux",
            False,
            False,
            False,
            "whl/cpu does not answer: the package index's torch, which may bring CUDA",
        ),
        (None, "Linux", False, True, True, "no NVIDIA driver is here: torch's build for processors, from https://"),
    ],
)
def test_the_build_for_processors_is_taken_where_no_driver_is_and_its_index_answers(
    installed: str | None, system: str, driver: bool, reached: bool | None, processor_build: bool, said: str
) -> None:
    asked = never if reached is None else lambda: bool(reached)
    decided, why = setup_torch.decide(installed, system, driver, asked)
    assert decided is processor_build
    assert said in why
    assert "\n" not in why


@pytest.mark.parametrize("code", [0, 1])
def test_pip_is_asked_once_and_where_it_fails_setup_goes_on_and_says_so(
    code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[list[str]] = []

    def pip(words: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        lines.append(words)
        return subprocess.CompletedProcess(words, code)

    monkeypatch.setattr(setup_torch, "decide", lambda *_: (True, "torch's build for processors"))
    monkeypatch.setattr("setup_torch.subprocess.run", pip)
    assert setup_torch.main(["--proxy", "http://a:1"]) == 0
    ((*_, proxy, no_deps, option, index, pinned),) = lines
    assert (proxy, no_deps, option, index) == ("http://a:1", "--no-deps", "--index-url", setup_torch.INDEX)
    assert pinned in (ROOT / "constraints.txt").read_text().splitlines()
    assert ("pip could not install it" in capsys.readouterr().err) is bool(code)


def test_an_index_that_is_not_there_does_not_answer() -> None:
    assert not setup_torch.answers("http://127.0.0.1:1", 4)


def test_make_asks_before_it_installs_the_rest() -> None:
    recipe = re.split(r"\n(?=\S)", (ROOT / "Makefile").read_text().partition("\n.venv/.ready:")[2])[0]
    assert 0 < recipe.index("setup_torch.py $(PIP_ARGS)") < recipe.index("--editable '.[test]'")

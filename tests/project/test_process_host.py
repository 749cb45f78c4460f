"""What an instance of a processing job leaves in its output, and when."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from formats.errors import SagesegError
from sageseg.process_host import process_host as run_host


class Root:
    """In the place of the command: makes a shard and its plan, and ends with a code."""

    def __init__(self, code: int = 0) -> None:
        self.code = code

    def main(self, words: Sequence[str], *_: Any, **__: Any) -> int:
        making = Path(words[words.index("--out") + 1])
        for name in (
            "plan.json",
            "sources.csv",
            "plan.json.sageseg-partial",
            "shard-1-of-1/a",
            "shard-1-of-1/shard.json",
        ):
            (making / name).parent.mkdir(exist_ok=True)
            (making / name).write_text(name)
        return self.code


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "resourceconfig.json").write_text(json.dumps({"current_host": "a", "hosts": ["a"]}))
    monkeypatch.setenv("SAGESEG_OPT_ML", str(tmp_path))
    return tmp_path


def test_the_plan_goes_out_first_and_the_marker_last(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is cut off between can be gone on with."""
    moved, move = list[str](), shutil.move

    def noted(path: Path, to: Path) -> Any:
        moved.append(to.relative_to(tree / "processing" / "output").as_posix())
        return move(path, to)

    monkeypatch.setattr("sageseg.process_host.shutil.move", noted)
    run_host(Root(), "1/1", ["prep", "voc", "x"])
    assert moved == ["sources.csv", "plan.json", "shard-1-of-1/a", "shard-1-of-1/shard.json"]


def test_a_verb_that_was_interrupted_leaves_no_shard_and_says_so(tree: Path) -> None:
    with pytest.raises(SagesegError, match="^sageseg prep voc: ended with exit code 130; its log says why$"):
        run_host(Root(130), "1/1", ["prep", "voc", "x"])
    assert not (tree / "processing" / "output").exists()
    assert (tree / "output" / "message").read_text().startswith("shard 1/1: sageseg prep voc: ended with exit code 130")

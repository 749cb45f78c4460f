"""What README and docs show besides command lines is taken by whom it is for: Python runs, YAML is read."""

import re
import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jobs.contract.probabilities import encode_probabilities
from jobs.emulator.host.rehearsal import read_plan
from prep.readers.classes.value_map import read_value_map
from tests.support.doc_commands import PAGES

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = {
    (page.name, block[1]): block[2]
    for page in PAGES
    for block in _FENCED.finditer(page.read_text(encoding="utf-8"))
    if block[1] not in ("sh", "console")
}


def execute(page: str, **names: Any) -> dict[str, Any]:
    exec(compile(BLOCKS[page, "python"], page, "exec"), names)  # noqa: S102 (our own pages)
    return names


def test_every_block_has_its_test_here() -> None:
    assert sorted(BLOCKS) == [("algorithm.md", "python"), ("cityscapes-ade20k.md", "python"), ("emulator.md", "yaml")]


def test_the_probabilities_of_an_answer_are_read_as_algorithm_md_says() -> None:
    sent = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    answer = {"Body": BytesIO(encode_probabilities(sent))}
    np.testing.assert_array_equal(execute("algorithm.md", response=answer)["probabilities"], sent)


def test_the_map_of_cityscapes_own_labels_is_one_that_pairs_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cityscapesScripts' table has a label of the number -1, which stands in no mask."""
    labels = [("unlabeled", 0, True), ("road", 7, False), ("rail track", 10, True), ("license plate", -1, True)]
    table = ModuleType("cityscapesscripts.helpers.labels")
    table.labels = [SimpleNamespace(name=name, id=number, ignoreInEval=out) for name, number, out in labels]  # type: ignore[attr-defined]
    for name in ("cityscapesscripts", "cityscapesscripts.helpers"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, table.__name__, table)
    monkeypatch.chdir(tmp_path)
    execute("cityscapes-ade20k.md")
    read = read_value_map(tmp_path / "cityscapes.csv")
    assert "road" in repr(read)


def test_the_failures_on_request_of_emulator_md_are_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "rehearsal.yaml"
    path.write_text(BLOCKS["emulator.md", "yaml"], encoding="utf-8")
    plan = read_plan(path)
    assert "ml.p3.*" in repr(plan)

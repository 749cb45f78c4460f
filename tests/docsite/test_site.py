"""The docs' site: pages that move keep their links, and what is wrong with navigation or built pages is told."""

import base64
import json
from pathlib import Path

import pytest

from docsite.checking import find_faults
from docsite.house import draw_house, floors
from docsite.links import moved
from docsite.notebooks import notebook_page
from docsite.reference.api import MODULES, api_pages
from docsite.reference.commands import command_pages, page_of, verbs, wrapped
from docsite.staging import ROOT, expanded, repository_places

PLACES = {"README.md": "index.md", "docs/a.md": "a.md", "docs/deep/b.md": "deep/b.md", "docs/p.png": "p.png"}


@pytest.mark.parametrize(
    ("page", "line", "there"),
    [
        ("README.md", "see [a](docs/a.md#part)", "see [a](a.md#part)"),
        ("README.md", "![it](docs/p.png)", "![it](p.png)"),
        ("docs/deep/b.md", "see [home](../../README.md)", "see [home](../index.md)"),
        (
            "docs/a.md",
            "see [b](deep/b.md), [c](https://example.org/c.md)",
            "see [b](deep/b.md), [c](https://example.org/c.md)",
        ),
        ("docs/a.md", "run [it](../notebooks/it.ipynb)", "run `notebooks/it.ipynb`"),
        ("docs/a.md", "![it](none.png)", "![it](none.png)"),
        ("docs/a.md", "run [`it`](../notebooks/it.ipynb)", "run `it`"),
        ("README.md", "    see [a](docs/a.md)", "    see [a](docs/a.md)"),
    ],
)
def test_links_lead_where_pages_are_staged(page: str, line: str, there: str) -> None:
    assert moved(line, page, PLACES) == there


def test_code_in_a_fence_stays_and_a_list_after_a_text_becomes_one() -> None:
    text = "```\n[a](docs/a.md)\n- x\n```\nthese:\n- one\n- two\n  more\n- three"
    assert moved(text, "README.md", PLACES) == "```\n[a](docs/a.md)\n- x\n```\nthese:\n\n- one\n- two\n  more\n- three"


CELLS = [
    {"cell_type": "markdown", "source": ["# Cars\n", "from labels to a report"]},
    {"cell_type": "code", "source": "print(1)"},
    {"cell_type": "code", "source": []},
]
PNG = {"data": {"image/png": base64.b64encode(b"drawn").decode() + "\n", "text/plain": "<Figure>"}}


def ran(shown: list[object], source: str = "print(1)") -> str:
    cells = [CELLS[0], {"cell_type": "code", "source": source, "outputs": shown}, CELLS[2]]
    return json.dumps({"cells": cells, "metadata": {"docsite": "Of today."}})


def test_a_notebook_that_was_not_run_is_a_page_of_its_texts_and_code_which_says_how_to_run_it() -> None:
    page, pictures = notebook_page(json.dumps({"cells": CELLS}), None, "notebooks/cars.ipynb")
    head, told, *code = page.split("\n\n")
    assert (head, code) == ("# Cars\nfrom labels to a report", ["```python\nprint(1)\n```\n"])
    assert "`notebooks/cars.ipynb`" in told
    assert "python -m docsite notebooks" in told
    assert pictures == {}
    assert "docsite notebooks" not in notebook_page(json.dumps({"cells": CELLS}), None, "notebooks/aws.ipynb")[0]


def test_a_notebook_that_was_run_shows_what_its_cells_said_and_drew() -> None:
    shown = [{"text": ["\x1b[31m1\x1b[0m\n"]}, {"text": "cars: 1 of 2\n"}, {"text": "2\n"}, PNG]
    shown.append({"data": {"text/plain": "[3]"}})
    page, pictures = notebook_page(json.dumps({"cells": CELLS}), ran(shown), "notebooks/cars.ipynb")
    assert page.endswith(
        "Of today.\n\n```python\nprint(1)\n```\n\n```text\n1\n2\n```\n\n"
        "![What the cell above draws](cars-1.png)\n\n```text\n[3]\n```\n"
    )
    assert pictures == {"notebooks/cars-1.png": b"drawn"}


def test_outputs_of_a_notebook_that_has_changed_since_are_not_shown() -> None:
    page, pictures = notebook_page(json.dumps({"cells": CELLS}), ran([PNG], "print(2)"), "notebooks/cars.ipynb")
    assert (page, pictures) == notebook_page(json.dumps({"cells": CELLS}), None, "notebooks/cars.ipynb")


def test_a_star_in_the_navigation_stands_for_all_pages_there_but_the_index() -> None:
    told = expanded(
        [{"Home": "index.md"}, {"All": ["d/index.md", "d/*"]}], ["index.md", "d/index.md", "d/a.md", "d/b.md"]
    )
    assert told == [{"Home": "index.md"}, {"All": ["d/index.md", "d/a.md", "d/b.md"]}]


@pytest.mark.parametrize(
    ("navigation", "fault"),
    [
        (["a.md"], "b.md is not in the navigation"),
        (["a.md", "b.md", "c.md"], "c.md is in the navigation, and not there"),
        (["a.md", {"B": "b.md"}, "a.md"], "a.md is in the navigation twice"),
    ],
)
def test_a_page_that_the_navigation_lacks_or_makes_up_ends_the_build(navigation: list[object], fault: str) -> None:
    with pytest.raises(SystemExit, match=fault):
        expanded(navigation, ["a.md", "b.md"])


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('<a href="other.html#there">x</a><img src="p.png"><a href="https://example.org">x</a>', []),
        ('<a href="none.html">x</a>', ["page.html: links to what is not there: none.html"]),
        ('<a href="other.html#none">x</a>', ["page.html: links to an anchor that is not there: other.html#none"]),
        ('<a href="#none">x</a>', ["page.html: links to an anchor that is not there: #none"]),
        (
            '<script src="https://example.org/x.js"></script>',
            ["page.html: loads https://example.org/x.js from another host"],
        ),
        (
            '<link rel="stylesheet" href="//example.org/x.css">',
            ["page.html: loads //example.org/x.css from another host"],
        ),
    ],
)
def test_what_is_wrong_with_a_built_page_is_told(tmp_path: Path, body: str, faults: list[str]) -> None:
    (tmp_path / "page.html").write_text(f"<html>{body}</html>")
    (tmp_path / "other.html").write_text('<h2 id="there">x</h2>')
    (tmp_path / "p.png").write_bytes(b"")
    assert find_faults(tmp_path) == faults


def test_the_picture_of_the_house_is_drawn_from_contributing_as_it_is_now() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = (ROOT / "docs" / "pictures" / "house.svg").read_text(encoding="utf-8")
    assert drawn == draw_house(contributing), "python -m docsite house draws it anew"
    assert all(f">{room}<" in drawn for floor in floors(contributing)["prep"] for room in floor)


def test_every_verb_has_a_page_with_all_its_options_and_its_helps_examples() -> None:
    pages = dict(command_pages(repository_places()))
    for words, verb in verbs():
        page = pages[page_of(words)]
        names = [name for each in verb.params for name in each.opts if name.startswith("--") and not each.hidden]
        assert [name for name in names if name not in page] == [], words
        assert [line for line in verb.epilog.splitlines() if f"```text\n{wrapped(line)}\n```" not in page] == [], words
        assert f"`{words}`" in pages["reference/commands/index.md"]


def test_a_long_example_is_broken_between_words_but_not_in_quotes() -> None:
    line = f"sageseg prep pairs {'p' * 60} {'m' * 15} --image-name '{{stem}} of the day' --out dataset"
    first, second = wrapped(line).split(" \\\n    ")
    assert (f"{first} {second}", second) == (line, "--image-name '{stem} of the day' --out dataset")


def test_the_api_pages_tell_every_public_function_with_its_docstring() -> None:
    pages = dict(api_pages(ROOT))
    assert [name for name in MODULES if f"reference/api/{name}.md" not in pages] == []
    scores = pages["reference/api/analysis.scoring.scores.md"]
    assert "## score\n\n```python\ndef score(confusion: Confusion" in scores
    assert "## _once" not in scores

"""A class list in another format is refused by its line, and never becomes classes called `[` or `"cat",`."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.readers.classes.label_list import read_class_list
from prep.readers.classes.list_format import check_format, check_names

FOREIGN = {
    '["background", "cat"]': "brackets",
    "['background', 'cat']": "brackets",
    '[\n  "background",\n  "cat"\n]': "brackets",
    '{"0": "background", "1": "cat"}': "brackets",
    '{\n"background": 0,\n"cat": 1\n}': "brackets",
    'item {\n  id: 1\n  name: "cat"\n}': "brackets",
    "names = [\n'background',\n'cat']": "brackets",
    "- background\n- cat": "YAML",
    "names:\n- background\n- cat": "YAML",
    "names:\n  0: background\n  1: cat": "YAML",
    "---\nbackground\ncat": "YAML",
    "names: [background, cat]": "YAML",
    '"background"\n"cat"': "quoted",
    "'background'\n'cat'": "quoted",
    '"background",\n"cat"': "quoted",
    '0: "background"\n1: "cat"': "quoted",
    "background,\ncat": "between commas",
    "background, cat": "between commas",
    "background cat dog": "several names",
    "_background_|cat": "several names",
    "background\tcat": "several names",
    "background\tblack\ncat\tgreen": "table",
    "('background', 'cat')": "brackets",
    "<labels>\n<label>cat</label>\n</labels>": "XML",
    "background\t0\ncat\t1": "table",
    "background,0\ncat,1": "table",
    "name,id\nbackground,0\ncat,1": "table",
    "id;name\n0;background\n1;cat": "table",
}


@pytest.mark.parametrize("text", FOREIGN)
def test_another_format_is_named_by_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(SagesegError, match=rf"labels\.txt: the line .*{FOREIGN[text]}.*; expected one name per line"):
        read_class_list(path)


@pytest.mark.parametrize(
    ("names", "verb"),
    [
        (["background 0", "cat 1"], "ends"),
        (["background: 0", "cat: 1"], "ends"),
        (["background=0", "cat=1", "dog=2"], "ends"),
        (["road 128 64 128", "sky 70 130 180"], "ends"),
        (["void -1", "cat 0"], "ends"),
        (["0 background", "1 cat"], "begins"),
        (["0. background", "1. cat"], "begins"),
        (["1) background", "2) cat"], "begins"),
    ],
)
def test_a_number_in_every_name_is_refused_beside_masks(names: list[str], verb: str) -> None:
    with pytest.raises(
        SagesegError, match=rf"list: {re.escape(repr(names[0]))}: each line {verb} with a number; expected names alone"
    ):
        check_names(names, "list")


@pytest.mark.parametrize(
    "names",
    [
        ["background", "traffic light 2", "traffic light 3"],
        ["background", "2 euro", "1 euro"],
        ["background", "car (red)", "car, blue"],
        ["R2D2", "C3PO"],
        ["background", "o'clock", '12" pipe'],
        ["- none -", "cat"],
        ["(none)", "<unknown>", "traffic light"],
        ["background cat", "cat"],
        ["fire truck"],
        ["background", "x[0]"],
        ["cat"],
    ],
)
def test_odd_names_stay_names(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    listed = read_class_list(path)
    check_names([line.name for line in listed.lines], listed.where)
    assert [line.name for line in listed.lines] == names


plain = st.from_regex(r"[A-Za-z_][A-Za-z_ -]{0,12}[a-z]", fullmatch=True)


@given(st.lists(plain, min_size=1, unique=True))
def test_plain_names_are_never_refused(names: list[str]) -> None:
    check_format(names, Path("labels.txt"))
    check_names(names, "labels.txt")

"""Class lists that are tables: colours beside names, and Roboflow's values."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.readers.classes.class_rows import colour_rows
from prep.readers.classes.label_list import find_class_list, read_class_list

PATH = Path("colours.csv")
CAR, ROAD = (0, 0, 142), (128, 64, 128)
names = st.from_regex(r"[A-Za-z_][A-Za-z_]{0,6}( [A-Za-z]{1,5})?", fullmatch=True)
colours = st.tuples(*(st.integers(0, 255),) * 3)


@given(
    st.dictionaries(names, colours, min_size=1, max_size=6),
    st.sampled_from([",", ", ", ";", "\t", " "]),
    st.booleans(),
    st.booleans(),
)
def test_a_table_says_the_same_in_every_order_and_with_every_separator(
    table: dict[str, tuple[int, int, int]], between: str, name_first: bool, with_header: bool
) -> None:
    def line(name: str, levels: tuple[str, ...]) -> str:
        return between.join([name, *levels] if name_first else [*levels, name])

    header = [line("name", ("r", "g", "b"))] if with_header and between != " " else []
    lines = [*header, *(line(name, tuple(map(str, colour))) for name, colour in table.items())]
    assert colour_rows(lines, PATH) == list(table.items())


@pytest.mark.parametrize(
    "text", ["car,0,0,142\nroad,128,64,128\n", "Red;Green;Blue;Label\n0;0;142;'car'\n128;64;128;road\n"]
)
def test_a_table_is_a_list_with_colours(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.name"
    path.write_text(text)
    listed = read_class_list(path)
    assert [(line.name, line.colour) for line in listed.lines] == [("car", CAR), ("road", ROAD)]
    assert listed.is_map


def test_ignore_in_a_table_is_that_of_a_label_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.csv"
    path.write_text("car,0,0,142\n__ignore__,1,2,3\nvoid,224,224,192\nignore,9,9,9\n")
    assert [line.ignored for line in read_class_list(path).lines] == [False, True, True, False]
    assert "ignore is a class; write __ignore__ in its place" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("car,0,0,300\n", "'car,0,0,300': expected red, green and blue from 0 to 255"),
        ("name,r,g,b\ncar,0,0\n", "'car,0,0': expected name,red,green,blue in each line"),
        ("car,0,0,142\nroad,128\n", "'road,128': expected name,red,green,blue in each line"),
        ("id,name,r,g,b\n0,car,0,0,142\n", "columns 'id,name,r,g,b': expected .*, and no other columns"),
        ("name,b,g,r\ncar,0,0,142\n", "'name,b,g,r': expected .*, or the colour before the name"),
        ("name,r,g,b\n", "'name,r,g,b': expected name,red,green,blue"),
        ("1,0,0,142\n2,0,0,143\n", "a number in the place of the name"),
        (
            "Pixel Value, Class\n0, background\n2, car\n",
            "its values are 0, 2; expected 0, 1, 2 .* with the file as --map",
        ),
        ("Pixel Value, Class\n0, background\n0, car\n", "'0, car': expected a value and its class, each value once"),
        ("Pixel Value, Class\n", "its values are none"),
    ],
)
def test_a_broken_table_is_told_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(SagesegError, match=rf"t\.csv: .*{message}"):
        read_class_list(path)


@pytest.mark.parametrize("names", [["traffic light 2", "euro 1 2 3"], ["12 34 56", "car"], ["a,b", "c"]])
def test_names_with_numbers_stay_names(tmp_path: Path, names: list[str]) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(names))
    assert [(line.name, line.colour) for line in read_class_list(path).lines] == [(name, None) for name in names]


def test_roboflows_classes_are_found_and_are_in_the_order_of_their_values(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "_classes.csv").write_text("Pixel Value, Class\n1, road, wide\n0, background\n")
    listed = find_class_list(tmp_path, tmp_path / "b")
    assert listed
    assert [line.name for line in listed.lines] == ["background", "road, wide"]
    (tmp_path / "classes.txt").write_text("background\ncar\n")
    with pytest.raises(SagesegError, match=r"classes\.txt and .*_classes\.csv name other classes"):
        find_class_list(tmp_path, tmp_path / "b")

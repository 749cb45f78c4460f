"""Elements of XML are found where they stand, and what is no such XML is refused."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.readers.annotations import xml_spans
from prep.readers.annotations.xml_spans import each_element, parse_element

texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def items(path: Path, tag: str = "item") -> list[xml_spans.Element]:
    return list(each_element(path, lambda tags: tags == ("root", tag), "a test"))


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "x.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@given(
    written=st.lists(st.tuples(texts, texts, st.sampled_from(["closed", "inner", "long"])), max_size=6),
    between=st.sampled_from(["", "\n  ", "<!-- <item/> -->", "<other><item/></other>", "text"]),
    piece=st.integers(1, 40),
)
def test_each_element_is_found_whole_wherever_the_file_is_cut(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str, str]], between: str, piece: int
) -> None:
    forms = {
        "closed": '<item name="{}" text="{}" />',
        "inner": '<item name="{}" text="{}"><item/><deep><a/></deep></item>',
        "long": '<item name="{}" text="{}">\n</item  >',
    }
    body = between.join(forms[form].format(escaped(name), escaped(text)) for name, text, form in written)
    path = write(
        tmp_path_factory.mktemp("xml"), f'<?xml version="1.0" encoding="utf-8"?>\n<root>{body}{between}</root>\n'
    )
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as file:
        patch.setattr(xml_spans, "_PIECE", piece)
        found = items(path)
        assert [(each.attributes["name"], each.attributes["text"]) for each in found] == [each[:2] for each in written]
        if "text" not in between and "other" not in between:
            parsed = [parse_element(file, each.span, "x") for each in found]
            assert [(each.get("name"), each.get("text")) for each in parsed] == [each[:2] for each in written]
            assert [len(each) for each in parsed] == [2 if form == "inner" else 0 for *_, form in written]


def test_the_root_itself_may_be_wanted(tmp_path: Path) -> None:
    path = write(tmp_path, "<root a='1'><item/></root>\n")
    (root,) = each_element(path, lambda tags: tags == ("root",), "a test")
    with path.open("rb") as file:
        assert parse_element(file, root.span, "x").get("a") == root.attributes["a"] == "1"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"<root>", "not XML .line 1, column 7: no element found"),
        (b"<root></root><root/>", "junk after document element"),
        (b"{}", "not XML .line 1, column 1"),
        ('<?xml version="1.0" encoding="utf-16"?><root/>'.encode("utf-16"), "UTF-16 text; .*iconv -f utf-16"),
        (b'<?xml version="1.0" encoding="gb2312"?><root/>', "its encoding is gb2312; expected UTF-8: .*-f gb2312"),
        (b'<?xml version="1.0"?><root a="\xff"/>', "not XML"),
        (b"<root>&big;</root>", "undefined entity"),
        (b'<!DOCTYPE root [<!ENTITY big "x">]>\n<root>&big;</root>', "line 1: a DOCTYPE, which may define entities"),
        (b'<!DOCTYPE root SYSTEM "other.dtd"><root/>', "line 1: a DOCTYPE"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE root>\n<root/>', "line 2: a DOCTYPE"),
    ],
)
def test_what_is_no_plain_xml_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(SagesegError, match=rf"^{tmp_path}/x.xml: .*{told}"):
        items(write(tmp_path, content))


def test_a_file_that_is_not_there_and_one_that_is_a_zip_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="no.xml: cannot be read .No such file or directory.; expected a test"):
        items(tmp_path / "no.xml")
    with zipfile.ZipFile(tmp_path / "x.xml", "w") as archive:
        archive.writestr("annotations.xml", "<annotations/>")
    with pytest.raises(SagesegError, match="x.xml: a ZIP archive; expected a test: unpack it"):
        items(tmp_path / "x.xml")


def test_a_file_that_changed_in_between_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "<root><item/><item><a/></item></root>")
    (_, second) = items(path)
    write(tmp_path, "<root><items /><item><a/></item></root>")
    with path.open("rb") as file, pytest.raises(SagesegError, match=r"^here, from byte 13 on: not XML"):
        parse_element(file, second.span, "here")


def test_xml_of_another_encoding_is_told_how_to_be_converted(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"not XML .*: export it again: .*iconv -f gb18030 -t utf-8"):
        items(write(tmp_path, "<root><item name='Größe'/></root>".encode("cp1252")))
    with pytest.raises(SagesegError, match=r"not XML .*: export it again$"):
        items(write(tmp_path, "<root><item name='Größe'></root>".encode()))

"""A JSON file is found in parts that parse to what the whole file says, however it falls into pieces; damage is told
with its place."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.errors import SagesegError
from prep.readers.annotations import json_spans
from prep.readers.annotations.json_spans import JsonParts, find_parts

TEXT = st.text(st.sampled_from('ab"\\[]{},: é日\n\u2028'), max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)
DOCUMENTS = st.dictionaries(TEXT, VALUES | st.lists(OBJECTS, max_size=5), max_size=5) | st.lists(OBJECTS, max_size=5)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_spans, "_BATCH", 16)


def spelled(document: Any, indent: int | None, ascii_only: bool, bom: bool) -> bytes:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    return (b"\xef\xbb\xbf" if bom else b"") + text.encode("utf-8")


def in_batches(parts: JsonParts, key: str) -> Iterator[Any]:
    for batch in parts.batches(key):
        items = batch.read()
        assert len(items) == batch.count
        yield from items


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=DOCUMENTS,
    piece=st.integers(1, 40),
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
    bom=st.booleans(),
)
def test_the_parts_of_any_document_parse_to_what_it_says(
    document: Any, piece: int, indent: int | None, ascii_only: bool, bom: bool, small_batches: None
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(json_spans, "_PIECE", piece)
        path = Path(folder) / "a.json"
        path.write_bytes(spelled(document, indent, ascii_only, bom))
        parts = find_parts(path, "JSON")
        assert parts.is_array == isinstance(document, list)
        whole = {"": document} if isinstance(document, list) else document
        assert {key: parts.read(span, "it") for key, span in parts.members.items()} == {
            key: value for key, value in whole.items() if isinstance(value, list | dict)
        }
        for key, items in parts.items.items():
            objects = [value for value in whole[key] if isinstance(value, dict)]
            assert list(parts.each(key, "it")) == objects
            assert [parts.read(items[number], "it") for number in range(len(items))] == objects
            if len(objects) == len(whole[key]):
                assert list(in_batches(parts, key)) == objects


@settings(max_examples=60)
@given(
    document=st.dictionaries(TEXT, OBJECTS, max_size=4),
    before=VALUES,
    piece=st.integers(1, 40),
    indent=st.sampled_from([None, 2]),
)
def test_a_part_is_looked_through_as_a_file_is(
    document: dict[str, Any], before: Any, piece: int, indent: int | None
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(json_spans, "_PIECE", piece)
        path = Path(folder) / "a.json"
        path.write_bytes(spelled({"before": before, "wanted": document, "after": [before]}, indent, False, False))
        parts = find_parts(path, "a test", find_parts(path, "a test").members["wanted"])
        assert {key: parts.read(span, key) for key, span in parts.members.items()} == document


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


DAMAGED = {
    "": "the file is empty",
    " \n": "cut short at byte 2",
    '{"a": [': "cut short at byte 7",
    '{"a": [1], "b': "cut short at byte 13",
    '{"a": {"b": "c}}': "cut short at byte 16",
    '{"a": [1]}]': "a bracket too many at byte 10",
    '{"a": [1]} {"b": [2]}': "text outside of brackets at byte 11",
    '{"a": [1]} more': "text outside of brackets at byte 1",
    'a = {"a": [1]}': "text outside of brackets at byte",
    "7": "text outside of brackets at byte 0",
    "{[1]}": "a value without key",
    '{"a": [1], "a": [2]}': "the key 'a' stands twice, again at byte 16",
    '{"a": [1}, "b": 2]': "the bracket at byte 6 is closed by another kind at byte 8",
    '{"a": [1] "b": [2]}': "around its members: Expecting ',' delimiter",
    '{"a" [1]}': "around its members: Expecting ':' delimiter",
    '{"a": [1],}': "around its members",
    '{"a": [1], "b": NaN}': "around its members: NaN is no number",
    "{'a': [1]}": "a value without key at byte 6",
    b'{"a": [1], "b": "\xff"}': "around its members",
    b"\xff\xfe{\x00}\x00": "UTF-16 text; expected a file of ours: convert it with iconv -f utf-16 -t utf-8",
    "{}".encode("utf-32"): "UTF-32 text; expected a file of ours: convert it with iconv -f utf-32 -t utf-8",
    b"PK\x03\x04 and more": "a ZIP archive that cannot be read",
    b"PK\x05\x06" + bytes(18): "a ZIP archive; expected a file of ours: unpack it",
}


@pytest.mark.parametrize("piece", [1, 7, 2**24])
@pytest.mark.parametrize("content", DAMAGED)
def test_damage_is_told_with_its_place(
    content: str | bytes, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_spans, "_PIECE", piece)
    with pytest.raises(SagesegError) as told:
        find_parts(write(tmp_path, content), "a file of ours")
    assert str(told.value).startswith(f"{tmp_path / 'a.json'}: ")
    assert DAMAGED[content] in str(told.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": [{"x": 1}, {"y": }]}', r"a\[0\] or one of the 1 after it, from byte 7 on: not JSON \(Expecting value"),
        ('{"a": [{"x": 1} {"y": 2}]}', r"a\[0\] or one of the 1 after it, from byte 7 on: not JSON \(Expecting ','"),
        ('{"a": [{"x": NaN}]}', r"a\[0\] or one of the 0 after it, from byte 7 on: not JSON \(NaN is no number"),
        ('{"a": [{"x": 1},]}', r"a\[0\] or one of the 0 after it"),
        ('{"a": [{"x": 1}, 7]}', r"a\[1\]: 7; expected an object"),
        ('{"a": [null, {"x": 1}]}', r"a\[0\]: None; expected an object"),
        ('{"a": [[1, 2]]}', r"a\[0\]: \[1, 2\]; expected an object"),
        ('[{"x": 1}, "é"]', r"\[1\]: é; expected an object"),
    ],
)
def test_what_is_wrong_inside_an_array_is_told_by_its_batch(content: str, message: str, tmp_path: Path) -> None:
    parts = find_parts(write(tmp_path, content), "JSON")
    with pytest.raises(SagesegError, match=rf"a\.json: {message}"):
        list(in_batches(parts, next(iter(parts.items))))


def test_a_wrong_item_is_named_by_its_number_whichever_batch_it_is_in(tmp_path: Path, small_batches: None) -> None:
    content = json.dumps({"a": [{"n": number} for number in range(30)]})
    parts = find_parts(write(tmp_path, content.replace('{"n": 23}', '["n", 23]')), "JSON")
    assert len(parts.batches("a")) > 10
    with pytest.raises(SagesegError, match=r"a\[23\]: \['n', 23\]; expected an object"):
        list(in_batches(parts, "a"))


def test_a_part_that_is_no_json_is_told_by_its_place(tmp_path: Path) -> None:
    parts = find_parts(write(tmp_path, '{"a": [{"x": 1}, {"y": nix}]}'), "JSON")
    with pytest.raises(SagesegError, match=r"a\.json: a\[1\], from byte 17 on: not JSON"):
        list(parts.each("a", "a"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match=r"no\.json: cannot be read \(No such file or directory\); expected JSON"):
        find_parts(tmp_path / "no.json", "JSON")


def test_keys_that_are_not_there_have_no_batches(tmp_path: Path) -> None:
    parts = find_parts(write(tmp_path, '{"a": {"x": 1}, "b": 3, "c": []}'), "JSON")
    assert [parts.batches(key) for key in ("a", "b", "d")] == [[], [], []]
    assert list(in_batches(parts, "c")) == []


@pytest.mark.parametrize(
    ("encoding", "value", "conversion"),
    [("gb18030", "汽车", "iconv -f gb18030 -t utf-8"), ("cp1252", "Straße", "cp1252 in that place")],
)
def test_text_of_another_encoding_is_told_how_to_be_converted(
    encoding: str, value: str, conversion: str, tmp_path: Path
) -> None:
    inside = find_parts(write(tmp_path, f'{{"a": [{{"x": "{value}"}}]}}'.encode(encoding)), "JSON")
    told = rf"not JSON .*; export it again: .*{conversion}"
    with pytest.raises(SagesegError, match=told):
        list(in_batches(inside, "a"))
    with pytest.raises(SagesegError, match=told):
        list(inside.each("a", "a"))
    with pytest.raises(SagesegError, match=rf"not JSON .*{conversion}"):
        find_parts(write(tmp_path, f'{{"{value}": "x", "a": [1]}}'.encode(encoding)), "JSON")

"""Values that lie in a file while they are not looked at."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.disk.value_file import ValueFile
from formats.errors import SagesegError


@given(st.lists(st.lists(st.text() | st.integers() | st.floats(allow_nan=False) | st.none())), st.data())
def test_each_value_is_read_as_it_was_added(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    with ValueFile(folder) as file:
        for number, value in enumerate(values):
            file.add(value)
            some = data.draw(st.integers(0, number))
            assert file[some] == values[some], "also while more are added"
        assert [file[number] for number in range(len(file))] == values


def test_the_file_has_no_name(tmp_path: Path) -> None:
    with ValueFile(tmp_path) as file:
        file.add("a" * 100_000)
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_that_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _content: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    monkeypatch.setattr("formats.disk.value_file.TemporaryFile", lambda **_: Full())
    with ValueFile(tmp_path) as file, pytest.raises(SagesegError, match=str(tmp_path)):
        file.add("a")

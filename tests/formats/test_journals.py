"""A journal whose last line was cut off takes further lines, and none of them is lost."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.disk import journals
from formats.disk.journals import add_whole, append_lines, cut_to_whole_lines
from formats.errors import SagesegError


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("ab漢", max_size=9), max_size=6), st.text("ab", max_size=40), st.integers(1, 7))
def test_what_is_added_after_a_cut_follows_the_last_whole_line(lines: list[str], cut: str, block: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(journals, "_BLOCK", block)
        path = Path(folder) / "journals" / "a.jsonl"
        append_lines(path, [f"{line}\n" for line in lines])
        with path.open("a") as file:
            file.write(cut)
        append_lines(path, ["next\n"])
        assert path.read_text() == "".join(f"{line}\n" for line in [*lines, "next"])


def test_a_journal_is_read_from_its_beginning_once_it_is_cut(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo\nthr")
    with (tmp_path / "a").open("a+b", buffering=0) as file:
        cut_to_whole_lines(file)
        assert file.read() == b"one\ntwo\n"


def test_a_full_disk_is_one_line_and_adds_nothing(tmp_path: Path) -> None:
    class Full:
        def __init__(self) -> None:
            self.cut: int | None = None

        def seek(self, *_: int) -> int:
            return 8

        def write(self, content: memoryview) -> int:
            if len(content) > 3:
                return 3  # as a disk does that has room for so much
            raise OSError(28, "No space left on device")

        def truncate(self, size: int) -> None:
            self.cut = size

    full = Full()
    with pytest.raises(SagesegError, match=r"a\.jsonl: cannot be written \(No space left on device\); free space"):
        add_whole(full, tmp_path / "a.jsonl", b"a line\n")  # type: ignore[arg-type]
    assert full.cut == 8

"""Thumbnails of many images in a file without a name: any of them again, and their signatures."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.alike.alignment import SIDE
from formats.alike.signatures import signatures
from formats.errors import SagesegError
from prep.dataset.thumbnail_file import ThumbnailFile


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 12), st.lists(st.integers(0, 11), max_size=5), st.integers(0, 100))
def test_any_thumbnail_is_there_again_also_between_two_that_are_added(
    tmp_path: Path, count: int, asked: list[int], seed: int
) -> None:
    drawn = np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prep.dataset.thumbnail_file._AT_ONCE", 4)
        with ThumbnailFile(tmp_path, count) as kept:
            for number, each in enumerate(drawn):
                kept.add(each.tobytes())
                for place in asked:
                    if place <= number:
                        assert np.array_equal(kept[place], drawn[place])
            assert np.array_equal(kept.hashes, signatures(drawn))
            assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", 0) as full:
        monkeypatch.setattr("prep.dataset.thumbnail_file.TemporaryFile", lambda **_: full)
        monkeypatch.setattr("prep.dataset.thumbnail_file._AT_ONCE", 2)
        kept = ThumbnailFile(tmp_path, 2)
        kept.add(bytes(SIDE**2))
        with pytest.raises(SagesegError, match=f"{tmp_path}.*[Nn]o space"):
            kept.add(bytes(SIDE**2))

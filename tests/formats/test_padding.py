"""Padding is what `cut_mask` fills: counted by the manifest's numbers alone, and told where it is most of a dataset."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.classes import IGNORE
from formats.crops import crop_grid
from formats.manifest import ManifestRow
from formats.masks import cut_mask
from formats.prepared.padding import padded_pixels, padding_note
from formats.prepared.resize import Resize, resized_size


def row(size: tuple[int, int], place: tuple[int, int, int, int], *, kept: bool = True) -> ManifestRow:
    return ManifestRow("a", "train", "a", "a.jpg", *place, *size, kept=kept)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(4, 32), st.sampled_from([None, Resize(20), Resize(9, 30)]))
def test_it_is_what_cutting_fills(width: int, height: int, crop: int, resize: Resize | None) -> None:
    own = resized_size(width, height, resize)
    mask = np.zeros(own[::-1], np.uint8)
    for box in crop_grid(*own, crop):
        filled = int(np.count_nonzero(cut_mask(mask, box) == IGNORE))
        assert padded_pixels(row((width, height), (box.left, box.top, box.width, box.height)), resize) == filled


@pytest.mark.parametrize(("side", "told"), [(100, "75 %"), (142, None), (200, None)])
def test_it_is_told_where_it_is_most(side: int, told: str | None) -> None:
    note = padding_note([row((side, side), (0, 0, 200, 200)), row((9, 9), (0, 0, 200, 200), kept=False)], None)
    assert (note is None) if told is None else (note is not None and note[0].startswith(f"{told} of the crops' pixels"))

"""Label Studio's run lengths, against its bits written out; the SDK reads ours in oracles/labelstudio_golden.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.brush_rle import decode_brush, encode_brush

SIZES = (3, 4, 8, 16)


def packed(
    count: int, blocks: list[tuple[int, list[int], bool]], *, word: int = 8, sizes: tuple[int, ...] = SIZES
) -> bytes:
    """Blocks as bits: which of `sizes`, values, and whether they are one value repeated."""
    bits = f"{count:032b}{word - 1:05b}" + "".join(f"{size - 1:04b}" for size in sizes)
    for kind, values, is_run in blocks:
        bits += f"{int(is_run)}{kind:02b}{len(values) - 1:0{sizes[kind]}b}"
        bits += "".join(f"{value:08b}" for value in (values[:1] if is_run else values))
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, list[int], bool]], tuple[int, ...]]:
    """Values of whole pixels, cut into blocks of both kinds."""
    sizes = tuple(draw(st.integers(1, 16)) for _ in range(4))
    pixels = draw(st.integers(1, 60))
    values: list[int] = []
    blocks = []
    while len(values) < 4 * pixels:
        kind = draw(st.integers(0, 3))
        length = draw(st.integers(1, min(2 ** sizes[kind], 4 * pixels - len(values))))
        is_run = draw(st.booleans())
        own = [draw(st.sampled_from((0, 1, 255)))] * length
        if not is_run:
            own = draw(st.lists(st.sampled_from((0, 0, 7, 255)), min_size=length, max_size=length))
        blocks.append((kind, own, is_run))
        values += own
    return values, blocks, sizes


@given(streams())
def test_what_is_covered_is_what_has_an_alpha(
    stream: tuple[list[int], list[tuple[int, list[int], bool]], tuple[int, ...]],
) -> None:
    values, blocks, sizes = stream
    rle = packed(len(values), blocks, sizes=sizes)
    covered = decode_brush(list(rle), (len(values) // 4, 1))
    assert covered.tolist() == [[alpha > 0 for alpha in values[3::4]]]


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 9999), st.floats(0, 1))
def test_what_is_written_is_read(width: int, height: int, seed: int, share: float) -> None:
    flags = np.random.default_rng(seed).random((height, width)) < share
    assert np.array_equal(decode_brush(encode_brush(flags), (width, height)), flags)


@pytest.mark.parametrize("lengths", [(2, 1, 1), (4, 5, 63, 64, 65), (16384, 16385, 3), (70000, 1)])
def test_runs_of_every_length_are_read(lengths: tuple[int, ...]) -> None:
    """A run holds four values of a pixel, and a block at most 65,536."""
    flags = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)[None]
    assert np.array_equal(decode_brush(encode_brush(flags), (flags.size, 1)), flags)


def test_the_bits_are_those_of_the_format() -> None:
    """Two pixels of which the second is covered: runs of four values, of 0 and of 255, in the shortest size."""
    flags = np.array([[False, True]])
    assert encode_brush(flags) == packed(8, [(0, [0] * 4, True), (0, [255] * 4, True)])


WHOLE = list(packed(8, [(0, [255] * 8, True)]))


@pytest.mark.parametrize(
    ("rle", "told"),
    [
        ([], "cut short"),
        (WHOLE[:6], "cut short"),
        (WHOLE[:-1], "cut short"),
        (list(packed(8, [(0, [1] * 7, False)])), "cut short"),
        (list(packed(12, [(1, [255] * 12, True)])), r"12 values, but 2×1 pixels have 8"),
        (list(packed(8, [(1, [255] * 9, True)])), "over 8 values"),
        (list(packed(8, [], word=16)), "words of 16 bits"),
        ([*WHOLE[:-1], 256], "from 0 to 255"),
        ([*WHOLE[:-1], 1.5], "from 0 to 255"),
        (None, "from 0 to 255"),
        (7, "from 0 to 255"),
    ],
)
def test_what_is_no_brush_is_told(rle: list[int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode_brush(rle, (2, 1))

"""A packed sequence is the sequence that it was made of."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from prep.readers.packed import Packed

Items = st.lists(st.tuples(st.text(max_size=3), st.integers()), max_size=200)
Places = st.one_of(st.none(), st.integers(-250, 250))


@given(Items, Places, Places, st.integers(-9, 9).filter(bool))
def test_parts_are_those_of_a_list(items: list[tuple[str, int]], start: int, stop: int, step: int) -> None:
    packed = Packed(items)
    assert list(packed) == items
    assert len(packed) == len(items)
    assert list(packed[start:stop:step]) == items[start:stop:step]


@given(Items.filter(bool), st.data())
def test_items_are_those_of_a_list(items: list[tuple[str, int]], data: st.DataObject) -> None:
    place = data.draw(st.integers(-len(items), len(items) - 1))
    assert Packed(items)[place] == items[place]


def test_what_is_asked_for_keeps_nothing_of_itself() -> None:
    packed = Packed([Path("a")])
    str(packed[0])  # which a path keeps
    assert packed[0] is not packed[0]

"""What the preview says in words: the split's certificate, and how classes are spread over it."""

from typing import Any

import pytest

from formats.dataset import Dataset, open_dataset
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.preview.balance import balance_chart, balance_words
from prep.preview.certificate import certificate_words, not_looked_at
from tests.support.prep_samples import make_source


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("words")
    write_dataset(make_source(root / "labels", {"a": 2, "b": 2}), root / "dataset", PrepOptions(crop=64, workers=1))
    return open_dataset(root / "dataset")


def certificate(
    here: tuple[int, int, int] = (0, 0, 0), dealt: tuple[int, int] = (12, 0), found: int = 0, unit: str = "car"
) -> dict[str, Any]:
    """Of 64 images in val: those with a sibling, one of the reader's own, a near-twin; dealt one by one, siblings and
    near-twins."""
    names = ("with_sibling", "with_own_sibling", "with_twin")
    return {
        "twins": {"found": found},
        "leak": {
            "unit": unit,
            "this_split": {"val": {"images": 64, **dict(zip(names, here, strict=True))}},
            "random_split_by_image": {
                "images": 64,
                "with_sibling": dealt[0],
                "with_own_sibling": 0,
                "with_twin": dealt[1],
            },
        },
    }


WHOLE = "No car is on both sides: each is whole in one split."
DEALT = "12 of 64 validation images would have had a sibling in train if dealt image by image."
NONE = "Near-twins, images of different groups that look the same: none found across splits."


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (certificate(), [WHOLE, DEALT, NONE]),
        (
            certificate(here=(0, 5, 0)),
            [
                "5 of 64 validation images have a sibling in train, an image of the same car: scores of val will be "
                "too good.",
                DEALT,
                NONE,
            ],
        ),
        (
            certificate(here=(0, 0, 2), found=3),
            [
                WHOLE,
                DEALT,
                "Near-twins, images of different groups that look the same: 3 pairs found across splits. 2 of 64 "
                "validation images have one in train: if they show one scene, scores will be too good.",
            ],
        ),
        (
            certificate(dealt=(0, 0)),
            [WHOLE, "Dealt image by image, no validation image would have had a sibling in train either.", NONE],
        ),
        (
            certificate(dealt=(0, 3)),
            [WHOLE, "3 of 64 validation images would have had a near-twin in train if dealt image by image.", NONE],
        ),
        (
            certificate(dealt=(9, 3), unit="folder or block of a video"),
            [
                "No group (folder or block of a video) is on both sides: each is whole in one split.",
                "9 of 64 validation images would have had a sibling, and 3 more a near-twin, in train if dealt image "
                "by image.",
                NONE,
            ],
        ),
    ],
)
def test_the_certificate_is_said_in_words(dataset: Dataset, told: dict[str, Any], said: list[str]) -> None:
    assert certificate_words(told, dataset) == said


def test_a_split_with_nothing_held_back_says_so(dataset: Dataset) -> None:
    alone = Dataset(dataset.root, dataset.classes, tuple(dataset.kept("train")), dataset.info)
    assert certificate_words(certificate(), alone) == [
        "All images are in train: no score will be of images that the training has not seen."
    ]


def test_what_nobody_looked_at_is_said(dataset: Dataset) -> None:
    said = " ".join(not_looked_at(certificate(), dataset))
    assert "what the labels and names say (car) alone" in said
    assert "left out" not in said
    info = {**dataset.info, "options": {"group_by": "(.*)_"}, "left_out": {"no image": 3, "no mask": 2}}
    said = " ".join(not_looked_at(certificate(), Dataset(dataset.root, dataset.classes, dataset.rows, info)))
    assert "what --group-by (.*)_ finds in names alone" in said
    assert "5 images or labels were left out" in said


NAMES = ("_background_", "car", "bus", "<b>")


def balance(**shares: tuple[float, ...]) -> dict[str, Any]:
    """By split the shares of the classes after the background, and 2 images of each that is there."""
    told = {}
    for split, own in shares.items():
        of_names = dict(zip(NAMES, (1 - sum(own), *own), strict=True))
        classes = {name: {"pixels": share, "images": 2 if share else 0} for name, share in of_names.items()}
        told[split] = {"ignored": 0.0, "classes": classes}
    return told


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (balance(train=(0.1, 0.1, 0.1), val=(0.1, 0.1, 0.2)), []),
        (balance(train=(0.1, 0.1, 0.1), val=(0.1, 0.0, 0.1)), ["Missing from val: bus; no score of val tells of it."]),
        (
            balance(train=(0.1, 0.0, 0.0), val=(0.1, 0.1, 0.1)),
            ["Missing from train: bus, <b>; a training learns nothing of them."],
        ),
        (balance(train=(0.1, 0.1, 0.0), val=(0.1, 0.1, 0.0)), ["In no image: <b>."]),
        (
            balance(train=(0.1, 0.1, 0.1), val=(0.1, 0.1, 0.21), test=(0.1, 0.5, 0.1)),
            ["Shares differ more than 2 × between train and val: <b> (10.0 % of train, 21.0 % of val: 2.1 ×)."],
        ),
        (balance(train=(0.1, 0.1, 0.1)), []),
    ],
)
def test_classes_that_a_split_lacks_or_has_far_more_of_are_told(told: dict[str, Any], said: list[str]) -> None:
    assert balance_words(told, list(told), NAMES) == said


@pytest.mark.parametrize(
    ("number", "end"),
    [(10, "c8, c9."), (11, "c8, c9 and 1 more."), (40, "c8, c9 and 30 more.")],
)
def test_of_many_classes_the_first_are_named_and_the_others_counted(number: int, end: str) -> None:
    names = ["_background_", *(f"c{place}" for place in range(number))]
    own = {name: {"pixels": 0.0, "images": 0} for name in names}
    (said,) = balance_words({"train": {"ignored": 0.0, "classes": own}}, ["train"], names)
    assert said.startswith("In no image: c0, c1, ")
    assert said.endswith(end)


def test_bars_are_as_long_as_their_shares() -> None:
    told = balance(train=(0.1, 0.2, 0.3), val=(0.2, 0.2, 0.2))
    chart = balance_chart(told, ["train", "val"], NAMES)
    assert not chart.logarithmic
    assert [(row.name, [bar[2] for bar in row.bars]) for row in chart.rows] == [
        ("_background_", [100.0, 100.0]),
        ("car", [25.0, 50.0]),
        ("bus", [50.0, 50.0]),
        ("<b>", [75.0, 50.0]),
    ]
    assert [text for text, _ in chart.ticks] == ["0", "20.0 %", "40.0 %"]


def test_shares_far_apart_stand_on_a_logarithmic_axis_with_what_is_ignored_apart() -> None:
    told = balance(train=(0.1, 0.001, 0.0))
    told["train"]["ignored"] = 0.01
    chart = balance_chart(told, ["train"], NAMES)
    assert chart.logarithmic
    assert [(row.class_id, row.bars[0][2]) for row in chart.rows[1:]] == [(1, 66.67), (2, 0.5), (3, 0.0), (None, 33.33)]
    assert chart.ticks == (("0.1 %", 0.0), ("1 %", 33.33), ("10 %", 66.67), ("100 %", 100.0))


def test_a_split_of_ignored_pixels_alone_has_no_shares() -> None:
    nothing = {name: {"pixels": None, "images": 0} for name in NAMES}
    chart = balance_chart({"train": {"ignored": 1.0, "classes": nothing}}, ["train"], NAMES)
    assert [row.bars[0][1:] for row in chart.rows] == [(None, 0.0)] * 4 + [(1.0, 100.0)]

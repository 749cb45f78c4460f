"""split.json read, and said in words: whether its scores can be believed, and what nobody looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from formats.dataset import Dataset, split_path
from formats.errors import SagesegError
from formats.prepared.leaks import VALIDATED
from formats.texts.given_files import read_json

_NAMES = {"val": "validation", "test": "test"}


def read_certificate(dataset: Dataset) -> dict[str, Any]:
    """split.json. Raises SagesegError where it is not whole, or tells of other classes than labels.txt."""
    path = split_path(dataset.root)
    try:
        certificate = read_json(path, "JSON that prep wrote")
        missing = [key for key in ("balance", "twins", "leak") if key not in certificate]
    except (OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read ({e}); prepare the dataset again") from e
    if missing:
        raise SagesegError(f"{path}: {missing[0]!r} is missing; prepare the dataset again")
    return {**certificate, "balance": _by_names_of_today(certificate["balance"], dataset)}


def _by_names_of_today(balance: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """The balance by the names of labels.txt, which a person may have changed since: both are in the order of ids."""
    names = dataset.classes.names
    known = next((len(own["classes"]) for own in balance.values() if len(own["classes"]) != len(names)), len(names))
    if known != len(names):
        raise SagesegError(
            f"{split_path(dataset.root)}: tells of {known} classes, and labels.txt names {len(names)}; names may be "
            "changed there, but no line added or taken away: undo that, or prepare the dataset again"
        )
    classes = {split: dict(zip(names, own["classes"].values(), strict=True)) for split, own in balance.items()}
    return {split: {**own, "classes": classes[split]} for split, own in balance.items()}


def divided_groups(dataset: Dataset) -> set[str]:
    """Groups with images in two splits."""
    first: dict[str, str] = {}
    return {row.group for row in dataset.rows if first.setdefault(row.group, row.split) != row.split}


def certificate_words(certificate: Mapping[str, Any], dataset: Dataset) -> list[str]:
    """What the certificate says, in sentences for who has never seen one."""
    held = [split for split in VALIDATED if any(row.split == split for row in dataset.rows)]
    if not held:
        return ["All images are in train: no score will be of images that the training has not seen."]
    own = certificate["leak"]["unit"]
    unit = f"group ({own})" if " " in own else own
    return [
        *_siblings(certificate, dataset, held, unit),
        *_dealt_by_image(certificate),
        *_twins(certificate, held),
    ]


def _siblings(certificate: Mapping[str, Any], dataset: Dataset, held: list[str], unit: str) -> list[str]:
    said = []
    divided = divided_groups(dataset)
    if divided:
        said.append(f"{len(divided):,} group{'s are' if len(divided) != 1 else ' is'} in two splits.")
    own = certificate["leak"]["this_split"]
    leaking = [split for split in held if _with_sibling(own[split])]
    for split in leaking:
        said.append(
            f"{_with_sibling(own[split]):,} of {_images(own[split], split)} have a sibling in train, an image of the "
            f"same {unit}: scores of {split} will be too good."
        )
    if not said:
        said.append(f"No {unit} is on both sides: each is whole in one split.")
    return said


def _with_sibling(leak: Mapping[str, int]) -> int:
    return leak["with_sibling"] + leak["with_own_sibling"]


def _images(leak: Mapping[str, int], split: str) -> str:
    return f"{leak['images']:,} {_NAMES[split]} image{'s' if leak['images'] != 1 else ''}"


def _dealt_by_image(certificate: Mapping[str, Any]) -> list[str]:
    dealt = certificate["leak"]["random_split_by_image"]
    if not dealt["images"]:
        return []
    siblings, twins = _with_sibling(dealt), dealt["with_twin"]
    if not siblings + twins:
        return ["Dealt image by image, no validation image would have had a sibling in train either."]
    if not siblings:
        return [f"{twins:,} of {_images(dealt, 'val')} would have had a near-twin in train if dealt image by image."]
    also = f", and {twins:,} more a near-twin," if twins else ""
    return [f"{siblings:,} of {_images(dealt, 'val')} would have had a sibling{also} in train if dealt image by image."]


def _twins(certificate: Mapping[str, Any], held: list[str]) -> list[str]:
    twins = certificate["twins"]
    if not twins["found"]:
        return ["Near-twins, images of different groups that look the same: none found across splits."]
    count = f"{twins['found']:,} pair{'s' if twins['found'] != 1 else ''}"
    leaking = [
        f"{own['with_twin']:,} of {_images(own, split)}"
        for split in held
        if (own := certificate["leak"]["this_split"][split])["with_twin"]
    ]
    more = (
        f" {' and '.join(leaking)} have one in train: if they show one scene, scores will be too good."
        if leaking
        else ""
    )
    return [f"Near-twins, images of different groups that look the same: {count} found across splits.{more}"]


def not_looked_at(certificate: Mapping[str, Any], dataset: Dataset) -> list[str]:
    """What the certificate cannot say."""
    options = dataset.info.get("options") or {}
    pattern = options.get("group_by")
    unit = certificate["leak"]["unit"]
    known = f"what --group-by {pattern} finds in names" if pattern else f"what the labels and names say ({unit})"
    said = [
        f"Which images belong together is known by {known} alone.",
        "Near-twins are looked for in small grey copies, of each image among the few most like it in another split: "
        "one scene from another side, or in another light that moves shadows, is not found.",
    ]
    left_out = sum((dataset.info.get("left_out") or {}).values())
    if left_out:
        said.append(f"{left_out:,} image{'s' if left_out != 1 else ''} or labels were left out before the split.")
    return said

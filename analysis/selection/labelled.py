"""Which of the predicted images a dataset has labels for already, and where those look alike can be seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from analysis.masks.sources import Source
from formats.crops import Box
from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.manifest import ManifestRow
from formats.prepared.source_names import composed


def labelled_stems(dataset: Dataset, sources: Sequence[Source]) -> set[str]:
    """The stems of the sources that the dataset has, by their paths: equal ones, or ones that end alike where the two
    folders begin at different heights (`a.jpg` and `2024/a.jpg`).

    Raises SagesegError for an image of the dataset that may be any of several.
    """
    by_name: dict[str, list[Source]] = {}
    for source in sources:
        by_name.setdefault(_parts(source.row.source)[-1], []).append(source)
    return {source.stem for path in _paths(dataset) for source in _fitting(path, by_name, dataset)}


def held_out_groups(dataset: Dataset) -> set[str]:
    """The groups that validate or test: what is labelled of them does not train."""
    return {row.group for row in dataset.rows if row.split != "train"}


def _paths(dataset: Dataset) -> Iterable[str]:
    return dict.fromkeys(row.source for row in dataset.rows)


def _parts(path: str) -> tuple[str, ...]:
    """The names in a path, without the steps upwards."""
    return tuple(part for part in PurePosixPath(composed(path)).parts if part != "..")


def _fitting(path: str, by_name: dict[str, list[Source]], dataset: Dataset) -> list[Source]:
    told = _parts(path)
    alike = [source for source in by_name.get(told[-1], ()) if _end_alike(told, _parts(source.row.source))]
    equal = [source for source in alike if _parts(source.row.source) == told]
    if len(alike) > 1 and not equal:
        raise SagesegError(
            f"{path}: this labelled image of {dataset.root} may be {alike[0].row.source} or {alike[1].row.source};"
            " predict the folder that prep read, so that the paths are equal"
        )
    return equal or alike


def _end_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shared = min(len(one), len(other))
    return one[-shared:] == other[-shared:]


def labelled_images(dataset: Dataset, images: Path) -> list[tuple[str, Path]]:
    """Of each labelled image that can be seen whole its source and a file: that in the folder `images`, or the
    dataset's own where it was not cut."""
    first: dict[str, ManifestRow] = {}
    for row in dataset.rows:
        first.setdefault(row.source, row)
    found = []
    for source, row in first.items():
        places = [images / source, *([dataset.image_path(row.id)] if _is_whole(row) else [])]
        found += [(source, place) for place in places if place.is_file()][:1]
    return found


def _is_whole(row: ManifestRow) -> bool:
    return row.kept and row.id == row.source_stem and row.box == Box(0, 0, row.width, row.height)

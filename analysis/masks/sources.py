"""Which crops make up each source image, checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.masks.pieces import Piece, boxes_at, divide, left_over
from formats.classes import ClassTable
from formats.crops import Box
from formats.dataset import Dataset
from formats.errors import SagesegError, for_all
from formats.manifest import ManifestRow
from formats.predictions import Predictions, info_path
from formats.prepared.label_map import LabelMap, LabelMaps, recorded_label_maps
from formats.prepared.preparation import parse_resize_or_none
from formats.prepared.resize import Resize, recorded_resize, resized_size
from formats.texts.wording import name_first

Size = tuple[int, int]
"""Width, height."""


@dataclass(frozen=True, slots=True)
class Source:
    """One predicted source image. `row` carries its split, group and attributes; `width, height` are
    those of the image as it was before prep resized it.

    `predicted` are the crops with a predicted mask, `kept` those with an image and a true mask in
    the dataset (none without a dataset); they lie on images of `predicted_size` and `kept_size`,
    which differ from the source's where prep resized it. `row` also tells whether the dataset has the
    source's own mask, because the kept crops do not give it back. `label_map` is what the job that
    predicted makes of true masks' values. `dropped` crops were not predicted, and `uncovered` pixels
    of the source lie in no crop at all; both are background in the prediction. `unpredicted` is where that is,
    boxes of the source at its size, which stitched predictions know too.
    `probabilities` tells that all predicted crops have them.
    """

    stem: str
    width: int
    height: int
    row: ManifestRow
    predicted: tuple[Piece, ...]
    predicted_size: Size
    kept: tuple[Piece, ...]
    kept_size: Size
    dropped: int
    uncovered: int
    unpredicted: tuple[Box, ...]
    probabilities: bool
    label_map: LabelMap | None


def plan_sources(predictions: Predictions, dataset: Dataset | None) -> list[Source]:
    """The sources that were predicted, in the order of the manifest, with their crops.

    The dataset says whether prep resized the images; without one predictions.json does. Raises
    SagesegError, naming the crop, where a prediction is missing, stands twice, is of no image of the
    dataset or lies outside its image, where only some have probabilities, and where two sources
    share a stem.
    """
    if not predictions.rows:
        raise SagesegError(f"{predictions.root}: no predictions in its manifest.csv; predict at least one image")
    agreed_classes(predictions, dataset)
    with_mask = predictions.predicted()
    _check_masks(predictions, {row.id for row in with_mask})
    predicted = _by_stem(with_mask)
    known = _by_stem(dataset.rows if dataset else predictions.rows)
    resize = recorded_resize(dataset.info) if dataset else _resize_of(predictions)
    probabilities = _with_probabilities(predictions, with_mask)
    label_maps = recorded_label_maps(predictions.info, info_path(predictions.root))
    there = {row.id for row in with_mask}
    absent = _by_stem(row for row in predictions.rows if row.id not in there)

    def plan(stem: str) -> Source:
        rows = predicted[stem]
        if dataset and stem not in known:
            raise _unknown(rows[0], dataset)
        unpredicted = [row.box for row in absent.get(stem, ())]
        return _source(stem, rows, unpredicted, known[stem], dataset, resize, probabilities, label_maps)

    return for_all(plan, predicted)


def _resize_of(predictions: Predictions) -> Resize | None:
    text = predictions.info.get("resize")
    return None if text is None else parse_resize_or_none(str(text))


def _with_probabilities(predictions: Predictions, rows: Sequence[ManifestRow]) -> bool:
    """Whether there are probabilities; then every predicted crop must have its own."""
    if not (predictions.root / "probabilities").is_dir():
        return False
    missing = [row.id for row in rows if not predictions.probabilities_path(row.id).is_file()]
    if missing and len(missing) < len(rows):
        raise SagesegError(
            f"{predictions.probabilities_path(missing[0])}: not found, though other crops have probabilities"
            f" ({len(missing)} of {len(rows)} are missing: {name_first(missing)}); predict again, or remove the folder"
            " probabilities"
        )
    return not missing


def check_complete(sources: Sequence[Source], dataset: Dataset) -> None:
    """Raise SagesegError when an image of a split that was predicted has no prediction at all: scores
    of the others alone would flatter."""
    splits, stems = {source.row.split for source in sources}, {source.stem for source in sources}
    found = (row.source for row in dataset.rows if row.kept and row.split in splits and row.source_stem not in stems)
    missing = list(dict.fromkeys(found))
    if missing:
        raise SagesegError(
            f"{dataset.root}: images of the predicted split without a prediction, {len(missing)} in all: "
            f"{name_first(missing)}; predict them too, or add --partial to score what there is"
        )


def agreed_classes(predictions: Predictions, dataset: Dataset | None) -> ClassTable | None:
    """The classes of predictions and dataset, which must not differ; None where neither has any."""
    if dataset is None:
        return predictions.classes
    if predictions.classes not in (None, dataset.classes):
        theirs, ours = (", ".join(table.names) for table in (predictions.classes, dataset.classes) if table)
        raise SagesegError(
            f"{predictions.root / 'labels.txt'}: classes {theirs}; expected those of the truth: {ours}; choose the "
            "truth that belongs to it, or correct the list whose names are wrong"
        )
    return dataset.classes


def dropped_before(predictions: Predictions) -> int:
    """How many dropped crops became background when these predictions were stitched, by
    predictions.json; 0 where they were not."""
    stitched = predictions.info.get("stitched")
    count = stitched.get("dropped_crops", 0) if isinstance(stitched, dict) else 0
    if type(count) is not int or count < 0:
        raise SagesegError(
            f"{info_path(predictions.root)}: stitched.dropped_crops is {count!r}; expected a whole number from 0 on: "
            "stitch again"
        )
    return count


def _check_masks(predictions: Predictions, there: set[str]) -> None:
    missing = [row.id for row in predictions.rows if row.kept and row.id not in there]
    if missing:
        raise SagesegError(
            f"{predictions.mask_path(missing[0])}: not found, though manifest.csv lists it"
            f" ({len(missing)} of {len(predictions.rows)} masks are missing: {name_first(missing)}); predict again"
        )
    if not there:
        raise SagesegError(
            f"{predictions.root}: every row is a dropped crop without a mask; predict at least one image"
        )


def _by_stem(rows: Iterable[ManifestRow]) -> dict[str, list[ManifestRow]]:
    by_stem: dict[str, list[ManifestRow]] = {}
    for row in rows:
        by_stem.setdefault(row.source_stem, []).append(row)
    return by_stem


def _source(
    stem: str,
    predicted: Sequence[ManifestRow],
    unpredicted: Sequence[Box],
    rows: Sequence[ManifestRow],
    dataset: Dataset | None,
    resize: Resize | None,
    probabilities: bool,
    label_maps: LabelMaps | None,
) -> Source:
    _check_one_source(stem, predicted)
    _check_one_source(stem, rows)
    if dataset:
        _check_predicted(predicted, rows, dataset)
    first = rows[0]
    width, height = first.source_width, first.source_height
    kept_size = resized_size(width, height, resize)
    if not dataset and resize is None:
        _check_whole(predicted[0])
    predicted_size, grid = ((width, height), predicted) if _is_whole(predicted) else (kept_size, rows)
    _check_inside(grid, predicted_size, dataset)
    ids = {row.id for row in predicted}
    pieces = divide(_boxes(grid), *predicted_size)
    made = tuple(piece for piece in pieces if piece.id in ids)
    if not _is_whole(predicted):
        unpredicted = boxes_at(
            left_over([piece.crop for piece in made], *predicted_size), predicted_size, (width, height)
        )
    known = divide(_boxes(rows), *kept_size) if dataset else []
    kept = {row.id for row in rows if row.kept}
    in_dataset = tuple(piece for piece in known if piece.id in kept)
    return Source(
        stem=stem,
        width=width,
        height=height,
        row=first,
        predicted=made,
        predicted_size=predicted_size,
        kept=made if in_dataset == made else in_dataset,  # once: a plan holds the sources of very many images
        kept_size=predicted_size if kept_size == predicted_size else kept_size,
        dropped=len(grid) - len(predicted),
        uncovered=_at_source_size(_pixels_in_no_crop(pieces, predicted_size), predicted_size, (width, height)),
        unpredicted=tuple(unpredicted),
        probabilities=probabilities,
        label_map=label_maps.of_split(first.split, len(dataset.classes)) if label_maps and dataset else None,
    )


def _pixels_in_no_crop(pieces: Iterable[Piece], size: Size) -> int:
    return sum(box.width * box.height for box in left_over([piece.crop for piece in pieces], *size))


def _at_source_size(pixels: int, size: Size, source: Size) -> int:
    """Pixels of a source's image at `size` as pixels of the source."""
    return round(pixels * source[0] * source[1] / (size[0] * size[1]))


def _check_whole(row: ManifestRow) -> None:
    """Raise SagesegError for a whole image, by its id, of another size than its source where nobody tells of a
    resize."""
    if row.id == row.source_stem and row.box != Box(0, 0, row.source_width, row.source_height):
        size = f"{row.width}×{row.height}"
        raise SagesegError(
            f"{row.id}: a whole image of {size}, but its source has {_size(row)}, and nothing tells of a resize; stitch"
            ' with --dataset, or write {"resize": "WxH"} into predictions.json'
        )


def _check_inside(rows: Sequence[ManifestRow], size: Size, dataset: Dataset | None) -> None:
    for row in rows:
        if row.x >= size[0] or row.y >= size[1]:
            mend = "prepare the dataset again" if dataset else "stitch with --dataset, which knows how it was resized"
            raise SagesegError(
                f"{row.id}: the crop lies at {row.x},{row.y}, outside its image of {size[0]}×{size[1]}; {mend}"
            )


def _boxes(rows: Iterable[ManifestRow]) -> dict[str, Box]:
    return {row.id: row.box for row in rows}


def _is_whole(rows: Sequence[ManifestRow]) -> bool:
    row = rows[0]
    return len(rows) == 1 and row.box == Box(0, 0, row.source_width, row.source_height)


def _check_one_source(stem: str, rows: Sequence[ManifestRow]) -> None:
    first, places = rows[0], dict[Box, ManifestRow]()
    for row in rows:
        if row.source != first.source:
            raise SagesegError(
                f"{first.source} and {row.source} are both called {stem}; give each image a name of its own"
            )
        if (row.source_width, row.source_height) != (first.source_width, first.source_height):
            raise SagesegError(f"{row.id}: source size {_size(row)}, but {first.id} says {_size(first)}; predict again")
        if row.box in places:
            raise SagesegError(f"{row.id} and {places[row.box].id} are the same crop of {row.source}; keep one of them")
        places[row.box] = row


def _size(row: ManifestRow) -> str:
    return f"{row.source_width}×{row.source_height}"


def _check_predicted(predicted: Sequence[ManifestRow], rows: Sequence[ManifestRow], dataset: Dataset) -> None:
    if _is_whole(predicted):
        if _size(predicted[0]) != _size(rows[0]):
            raise SagesegError(
                f"{predicted[0].id}: predicted at {_size(predicted[0])}, but the dataset's image is {_size(rows[0])};"
                " predict at the image's own size"
            )
        return
    known = _boxes(rows)
    for row in predicted:
        if known.get(row.id) != row.box:
            raise _unknown(row, dataset)
    ids = {row.id for row in predicted}
    missing = [row.id for row in rows if row.kept and row.id not in ids]
    if missing:
        raise SagesegError(
            f"{missing[0]}: no prediction for this crop ({len(missing)} missing of {rows[0].source}:"
            f" {name_first(missing)}); predict again"
        )


def _unknown(row: ManifestRow, dataset: Dataset) -> SagesegError:
    return SagesegError(
        f"{row.id}: predicted, but {dataset.root} has no such crop at {row.x},{row.y} of {row.width}×{row.height};"
        " choose the dataset that was predicted, or stitch without --dataset first"
    )

"""scores.json written out plainly from full masks, after docs/metrics.md: no window, no sum kept on the way,
nothing of analysis. Slow, and short enough to be read beside the docs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tests.support.plain_intervals import score_interval

Mask = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
EIGHT = np.ones((3, 3), int)
SIZES = (1, 10, 100, 1_000, 10_000, 100_000)
FROM_CONFUSION = ("iou", "dice", "precision", "recall", "specificity", "false_positive_rate")
KINDS = ("halo", "bulge", "object")


@dataclass(frozen=True)
class Image:
    """`truth` is 255 where the labels say to ignore, and where nothing is judged."""

    stem: str
    group: str
    attributes: Mapping[str, str]
    truth: Mask
    prediction: Mask
    probabilities: npt.NDArray[np.float16] | None = None


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def mean(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return ratio(sum(known), len(known))


def of_class(images: Sequence[Image], class_id: int) -> tuple[int, int, int, int]:
    """TP, FP, FN, TN of a class over images."""
    counts = np.zeros(4, int)
    for image in images:
        valid, true, predicted = image.truth != 255, image.truth == class_id, image.prediction == class_id
        counts += [
            (true & predicted).sum(),
            (valid & predicted & ~true).sum(),
            (true & ~predicted).sum(),
            (valid & ~true & ~predicted).sum(),
        ]
    tp, fp, fn, tn = counts.tolist()
    return tp, fp, fn, tn


def band(mask: Flags, width: int) -> Flags:
    """The pixels within so many (chessboard) of what is not the mask, the image's outside included."""
    inside = np.pad(mask, 1)
    return np.asarray(mask & (ndimage.distance_transform_cdt(inside, "chessboard")[1:-1, 1:-1] <= width), np.bool_)


def outline(mask: Flags) -> Flags:
    """The pixels that have a neighbour of four, inside the image, that is not of the mask."""
    around = np.pad(mask, 1, constant_values=True)
    return mask & ~(around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:])


def near(mask: Flags, distance: int) -> Flags:
    far = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
    return np.asarray(far <= distance, np.bool_)


def boundaries(images: Sequence[Image], class_id: int, share: float, tolerance: int) -> tuple[float, float]:
    """Boundary IoU and F of a class."""
    counts = np.zeros(6, int)
    for image in images:
        width = max(1, round(share * math.hypot(*image.truth.shape)))
        true = image.truth == class_id
        predicted = (image.prediction == class_id) & (image.truth != 255)
        bands, lines = (band(true, width), band(predicted, width)), (outline(true), outline(predicted))
        counts += [
            (bands[0] & bands[1]).sum(),
            (bands[0] | bands[1]).sum(),
            (lines[1] & near(lines[0], tolerance)).sum(),
            lines[1].sum(),
            (lines[0] & near(lines[1], tolerance)).sum(),
            lines[0].sum(),
        ]
    iou, precision, recall = (ratio(*pair) for pair in counts.reshape(3, 2).tolist())
    if math.isnan(precision) and math.isnan(recall):
        return iou, math.nan
    f = ratio(2 * precision * recall, precision + recall)
    return iou, 0.0 if math.isnan(f) else f


def scores(images: Sequence[Image], names: Sequence[str], share: float, tolerance: int) -> dict[str, Any]:
    """Pooled scores of images."""
    told: dict[str, Any] = {key: {} for key in (*FROM_CONFUSION, "boundary_iou", "boundary_f")}
    for class_id, name in enumerate(names):
        tp, fp, fn, tn = of_class(images, class_id)
        told["iou"][name] = ratio(tp, tp + fp + fn)
        told["dice"][name] = ratio(2 * tp, 2 * tp + fp + fn)
        told["precision"][name] = ratio(tp, tp + fp)
        told["recall"][name] = ratio(tp, tp + fn)
        told["specificity"][name] = ratio(tn, tn + fp)
        told["false_positive_rate"][name] = ratio(fp, fp + tn)
        pair = boundaries(images, class_id, share, tolerance) if class_id else (math.nan, math.nan)
        told["boundary_iou"][name], told["boundary_f"][name] = pair
    right = sum(int((image.truth == image.prediction).sum()) for image in images)
    return told | means(told, names) | {"pixel_accuracy": ratio(right, judged_pixels(images))}


def means(told: Mapping[str, Mapping[str, float]], names: Sequence[str]) -> dict[str, float]:
    return {
        "mean_iou": mean(told["iou"].values()),
        "mean_dice": mean(told["dice"].values()),
        **{
            f"mean_{key}{end}": mean(told[key][name] for name in names[1:])
            for key, end in (("iou", "_foreground"), ("boundary_iou", ""), ("boundary_f", ""))
        },
    }


def judged_pixels(images: Sequence[Image]) -> int:
    return sum(int((image.truth != 255).sum()) for image in images)


def scores_of_each(images: Sequence[Image], names: Sequence[str], share: float, tolerance: int) -> list[dict[str, Any]]:
    """Each image's row: Dice is 1 for a class that it has not, but another has."""
    occurring = {name for class_id, name in enumerate(names) if sum(of_class(images, class_id)[:3])}
    rows = []
    for image in images:
        row = scores([image], names, share, tolerance)
        if judged_pixels([image]):
            row["dice"] = {name: 1.0 if name in occurring and math.isnan(v) else v for name, v in row["dice"].items()}
        rows.append(row | means(row, names))
    return rows


def mean_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = rows[0]
    return {
        key: {name: mean(row[key][name] for row in rows) for name in value}
        if isinstance(value, dict)
        else mean(row[key] for row in rows)
        for key, value in first.items()
    }


@dataclass(frozen=True)
class Region:
    """A wrong region, as far as scores.json tells of it in `largest`."""

    stem: str
    class_id: int
    confused_with: frozenset[int]
    box: tuple[int, int, int, int]
    pixels: int
    distance: float
    reach: float
    agreed: float
    kind: str


def wrong_regions(image: Image, class_id: int, halo: int, *, missed: bool) -> list[Region]:
    valid = image.truth != 255
    sides = (image.prediction == class_id) & valid, image.truth == class_id
    mine, other = sides[::-1] if missed else sides
    classes = image.prediction if missed else image.truth
    labels, number = ndimage.label(mine & ~other, EIGHT)
    objects, _ = ndimage.label(mine, EIGHT)
    far = np.full(mine.shape, np.inf)
    if other.any():
        far = np.asarray(cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, 5))
    found = []
    for at in (labels == n for n in range(1, number + 1)):
        agreed = float(other[objects == objects[at][0]].mean())
        distance, reach = float(far[at].min()), float(far[at].max())
        kind = "halo" if reach <= halo else "bulge" if distance <= halo else "object"
        rows, columns = np.flatnonzero(at.any(axis=1)), np.flatnonzero(at.any(axis=0))
        box = columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
        ids, times = np.unique(classes[at], return_counts=True)
        confused = frozenset(ids[times == times.max()].tolist())
        kind = "object" if agreed < 0.5 else kind
        place = tuple(int(side) for side in box)
        found.append(Region(image.stem, class_id, confused, place, int(at.sum()), distance, reach, agreed, kind))  # type: ignore[arg-type]
    return found


def amounts(regions: Sequence[Region]) -> dict[str, int]:
    return {"count": len(regions), "pixels": sum(region.pixels for region in regions)}


def size_bins() -> list[tuple[int, float]]:
    return list(zip(SIZES, (*SIZES[1:], math.inf), strict=True))


def bounds(low: int, high: float) -> dict[str, int | None]:
    return {"from_pixels": low, "to_pixels": None if math.isinf(high) else int(high) - 1}


def wrong(images: Sequence[Image], names: Sequence[str], halo: int, *, missed: bool) -> dict[str, Any]:
    """`false_positives` or `missed`, without `largest`."""
    by_image = [
        [region for c in range(1, len(names)) for region in wrong_regions(image, c, halo, missed=missed)]
        for image in images
    ]
    regions = [region for each in by_image for region in each]
    empty = [
        found
        for image, found in zip(images, by_image, strict=True)
        if judged_pixels([image])
        and not (((image.prediction if missed else image.truth) > 0) & (image.truth != 255)).any()
    ]
    return {
        **amounts(regions),
        "per_image": len(regions) / len(images),
        "per_megapixel": ratio(len(regions), judged_pixels(images) / 1e6),
        "images_with": sum(map(bool, by_image)),
        "halo_pixels": halo,
        "kinds": {kind: amounts([each for each in regions if each.kind == kind]) for kind in KINDS},
        "on_empty_images": {"images": len(empty), **amounts([region for found in empty for region in found])},
        "classes": {
            name: amounts([each for each in regions if each.class_id == c]) for c, name in enumerate(names) if c
        },
        "sizes": [
            {**bounds(*size), **amounts([each for each in regions if size[0] <= each.pixels < size[1]])}
            for size in size_bins()
        ],
    }


def true_sizes(images: Sequence[Image], num_classes: int) -> list[dict[str, Any]]:
    objects = [
        (int(at.sum()), int((image.prediction[at] == c).sum()))
        for image in images
        for c in range(1, num_classes)
        for labels, number in [ndimage.label(image.truth == c, EIGHT)]
        for at in (labels == n for n in range(1, number + 1))
    ]
    table = []
    for low, high in size_bins():
        these = [each for each in objects if low <= each[0] < high]
        pixels, right = (sum(column) for column in (zip(*these, strict=True) if these else ((), ())))
        found = sum(2 * right >= pixels for pixels, right in these)
        counted = {"objects": len(these), "found": found, "found_interval": score_interval(found, len(these))}
        table.append({**bounds(low, high), **counted, "recall": ratio(right, pixels)})
    return table


def areas(images: Sequence[Image], names: Sequence[str]) -> dict[str, Any]:
    total, classes = judged_pixels(images), {}
    for class_id, name in enumerate(names):
        tp, fp, fn, _ = of_class(images, class_id)
        pieces: dict[str, int | None] = {"true": None, "predicted": None}
        if class_id:
            valid = [(image.prediction == class_id) & (image.truth != 255) for image in images]
            pieces["true"] = sum(ndimage.label(image.truth == class_id, EIGHT)[1] for image in images)
            pieces["predicted"] = sum(ndimage.label(each, EIGHT)[1] for each in valid)
        classes[name] = {
            "true_pixels": tp + fn,
            "predicted_pixels": tp + fp,
            "true_share": ratio(tp + fn, total),
            "predicted_share": ratio(tp + fp, total),
            "true_area": None,
            "predicted_area": None,
            **{f"{side}_components": number for side, number in pieces.items()},
        }
    return {"unit": None, "unit_per_pixel": None, "classes": classes}


def class_pairs(images: Sequence[Image], names: Sequence[str]) -> list[dict[str, Any]]:
    counted = confusion(images, len(names))
    pairs = [
        (-row[p], t, p, ratio(row[p], sum(row))) for t, row in enumerate(counted) for p in range(len(names)) if t != p
    ]
    keys = ("truth", "prediction", "pixels", "share_of_truth")
    return [
        dict(zip(keys, (names[t], names[p], -pixels, share), strict=True))
        for pixels, t, p, share in sorted(pairs)
        if pixels
    ]


def confusion(images: Sequence[Image], num_classes: int) -> list[list[int]]:
    return [
        [sum(int(((i.truth == t) & (i.prediction == p)).sum()) for i in images) for p in range(num_classes)]
        for t in range(num_classes)
    ]


def thresholds(images: Sequence[Image], class_id: int) -> dict[str, Any]:
    """`thresholds` and `kitti` of one class."""
    truth = np.concatenate([image.truth.ravel() for image in images])
    shares = np.concatenate([np.asarray(image.probabilities)[class_id].ravel() for image in images]).astype(float)
    valid, true = truth != 255, truth == class_id
    curve: dict[str, list[Any]] = {key: [] for key in ("threshold", *FROM_CONFUSION, "false_positives", "f")}
    for level in (k / 255 for k in range(256)):
        predicted = valid & (shares >= level)
        tp, fp = int((predicted & true).sum()), int((predicted & ~true).sum())
        fn, tn = int(true.sum()) - tp, int((valid & ~true).sum()) - fp
        f = ratio(2 * tp, 2 * tp + fp + fn)
        values = [level, ratio(tp, tp + fp + fn), f, ratio(tp, tp + fp), ratio(tp, tp + fn)]
        values += [ratio(tn, tn + fp), ratio(fp, fp + tn), fp, f]
        for key, value in zip(curve, values, strict=True):
            curve[key].append(value)
    told: dict[str, Any] = {key: curve[key] for key in curve if key not in ("specificity", "f")}
    told["best_dice"], told["best_iou"] = (max(map(_low, curve[key])) for key in ("dice", "iou"))
    return {"curve": told, "kitti": kitti(curve) if true.any() else None}


def _low(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def kitti(curve: Mapping[str, Sequence[float]]) -> dict[str, float]:
    best = max(range(256), key=lambda k: (_low(curve["f"][k]), -k))
    pairs = [(r, 0.0 if math.isnan(p) else p) for p, r in zip(curve["precision"], curve["recall"], strict=True)]
    reached = [max([p for r, p in pairs if r >= least], default=0.0) for least in np.arange(11) / 10]
    keys = ("precision", "recall", "false_positive_rate", "threshold")
    return {
        "max_f": curve["f"][best],
        "average_precision": sum(reached) / 11,
        **{key: curve[key][best] for key in keys},
        "false_negative_rate": 1 - curve["recall"][best],
    }


def log_loss(images: Sequence[Image]) -> float:
    losses = []
    for image in images:
        assert image.probabilities is not None
        for row, column in np.argwhere(image.truth != 255).tolist():
            share = float(image.probabilities[image.truth[row, column], row, column])
            losses.append(-math.log(max(share, 1e-7)))
    return mean(losses)


def suspects(images: Sequence[Image]) -> list[tuple[str, float, int]]:
    """Stem, suspicion and contradicted pixels of the images that have any, most suspicious first."""
    told = []
    for image in images:
        assert image.probabilities is not None
        valid = image.truth != 255
        of_truth = np.take_along_axis(image.probabilities, np.where(valid, image.truth, 0)[None].astype(int), 0)[0]
        doubt = np.where(valid, np.rint(255 - 255 * of_truth.astype(np.float64)), 0)
        squares = np.pad(np.lib.stride_tricks.sliding_window_view(doubt, (2, 2)).min((2, 3)), 1)
        opened = np.lib.stride_tricks.sliding_window_view(squares, (2, 2)).max((2, 3))
        weights = np.where(valid, np.exp(10 * opened / 255), 0)
        pixels = int((opened >= 0.9 * 255).sum())
        if pixels:
            told.append((image.stem, float((weights * opened / 255).sum() / weights.sum()), pixels))
    return sorted(told, key=lambda each: (-each[1], each[0]))


def intervals(
    images: Sequence[Image], names: Sequence[str], share: float, tolerance: int, draws: int, seed: int
) -> dict[str, Any] | None:
    """`overall` and `per_image_mean` of `intervals`; None with one group."""
    groups = list(dict.fromkeys(image.group for image in images))
    if len(groups) < 2 or not draws:
        return None
    rng, rows = np.random.default_rng(seed), scores_of_each(images, names, share, tolerance)
    drawn: dict[str, list[dict[str, Any]]] = {"overall": [], "per_image_mean": []}
    for times in rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), draws).tolist():
        often = dict(zip(groups, times, strict=True))
        again = [place for place, image in enumerate(images) for _ in range(often[image.group])]
        drawn["overall"].append(scores([images[place] for place in again], names, share, tolerance))
        drawn["per_image_mean"].append(mean_rows([rows[place] for place in again]))
    return {kind: _middle(found) for kind, found in drawn.items()}


def _middle(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        key: _middle([each[key] for each in found])
        if isinstance(value, Mapping)
        else _quantiles([each[key] for each in found])
        for key, value in found[0].items()
    }


def _quantiles(values: Sequence[float]) -> list[float] | None:
    known = [value for value in values if not math.isnan(value)]
    return np.quantile(known, [0.025, 0.975]).tolist() if known else None


def undefined_as_none(value: Any) -> Any:
    """nan as JSON has it."""
    if isinstance(value, Mapping):
        return {key: undefined_as_none(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [undefined_as_none(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value

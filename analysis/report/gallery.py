"""What the page's gallery holds: a line for every image, thumbnails for the worst and the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report_files import LAYERS
from analysis.scoring.image_report import ImageReport
from analysis.scoring.scores import defined
from formats.texts.wording import format_share

WORST = 200
"""How many images keep their thumbnails inside the page: about 5 MB, which a mail still carries."""
BEST = 5


def worst_and_best(images: Sequence[ImageReport], number: int) -> list[str]:
    """The stems of so many worst images, and of the best."""
    worst = [image.stem for image in images[:number]]
    best = [images[place].stem for place in extremes(images)[1]]
    return list(dict.fromkeys([*worst, *best]))


def extremes(images: Sequence[ImageReport]) -> tuple[list[int], list[int]]:
    """Places of the worst and of the best images (best first) among images that are worst first;
    of few images none is both."""
    scored = [place for place, image in enumerate(images) if defined(image.scores.foreground_mean("iou")) is not None]
    count = min(BEST, len(scored) // 2)
    return scored[:count], scored[::-1][:count]


def gallery_data(
    images: Sequence[ImageReport], thumbnails: Mapping[str, Mapping[str, str]], strips: bool, names: Sequence[str]
) -> dict[str, Any]:
    """What the page's script reads: images worst first, and thumbnails by their place."""
    worst, best = extremes(images)
    return {
        "layers": LAYERS,
        "strips": strips,
        "classes": list(names[1:]) if len(names) > 2 else [],
        "images": [_line(image, len(names)) for image in images],
        "thumbnails": {place: thumbnails[image.stem] for place, image in enumerate(images) if image.stem in thumbnails},
        "worst": worst,
        "best": best,
    }


def _line(image: ImageReport, num_classes: int) -> dict[str, Any]:
    line = {
        "stem": image.stem,
        "group": image.group,
        "split": image.split,
        "attributes": image.attributes,
        "width": image.width,
        "height": image.height,
        "iou": _rounded(image.scores.foreground_mean("iou")),
        "dice": _rounded(image.scores.foreground_mean("dice")),
        "wrong": image.false_positive_pixels,
        "missed": image.missed_pixels,
    }
    if image.judged.share < 1:
        line["judged"] = f"{format_share(image.judged.share)} judged"
    if num_classes > 2:
        by_class = image.scores.per_class
        line["classes"] = {key: [_rounded(value) for value in by_class[key].tolist()[1:]] for key in ("iou", "dice")}
    return line


def _rounded(value: float) -> float | None:
    known = defined(value)
    return None if known is None else round(known, 6)

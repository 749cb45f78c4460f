"""What all images' areas add up to, class by class, as areas.json says it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.areas.distribution import distribution, histogram
from analysis.areas.measuring import NO_OBJECTS, ImageAreas


@dataclass
class ClassTotal:
    """One class over all images; areas are in the user's unit squared. Objects are counted by their area, so that
    memory does not grow with their number."""

    pixels: int = 0
    cut: int = 0
    objects: Counter[float] = field(default_factory=Counter)
    images: Counter[float] = field(default_factory=Counter)
    true: list[float] = field(default_factory=list)
    judged: list[float] = field(default_factory=list)
    true_objects: int = 0
    found: int = 0

    def add(self, image: ImageAreas, class_id: int, size: float) -> None:
        """Take in an image whose pixels are so large."""
        objects = image.objects.get(class_id, NO_OBJECTS)
        for pixels, number in Counter(objects.pixels.tolist()).items():
            self.objects[pixels * size] += number
        pixels = int(objects.pixels.sum())
        self.pixels += pixels
        self.cut += int(objects.cut.sum())
        self.images[pixels * size] += 1
        if class_id in image.compared:
            compared = image.compared[class_id]
            self.true.append(compared.true * size)
            self.judged.append(compared.predicted * size)
            self.true_objects += compared.true_objects
            self.found += compared.found

    def to_json(self, predicted: int) -> dict[str, Any]:
        """Of so many predicted pixels."""
        objects = distribution(self.objects)
        told = {
            "pixels": self.pixels,
            "share": self.pixels / predicted if predicted else None,
            "area": objects["sum"],
            "images_with": self.images.total() - self.images[0.0],
            "per_image": distribution(self.images),
            "objects": {**objects, "cut": self.cut, "histogram": histogram(self.objects)},
        }
        return {**told, "truth": self._truth()} if self.true else told

    def _truth(self) -> dict[str, Any]:
        true, judged = np.array(self.true), np.array(self.judged)
        difference = judged - true
        return {
            "true": math.fsum(self.true),
            "predicted": math.fsum(self.judged),
            "ratio": math.fsum(self.judged) / math.fsum(self.true) if any(self.true) else None,
            "bias": float(difference.mean()),
            "mean_absolute_error": float(np.abs(difference).mean()),
            "correlation": correlation(true, judged),
            "true_objects": self.true_objects,
            "found": self.found,
        }


def correlation(one: Any, other: Any) -> float | None:
    """Pearson's, None where one of them does not vary."""
    one, other = one - one.mean(), other - other.mean()
    spread = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / spread if spread else None

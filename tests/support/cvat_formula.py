"""CVAT's XML by formula, on which our masks are compared with those of CVAT's own libraries.

Both sides compute it from a number alone. Needs numpy and nothing else of ours: `oracles/cvat_golden.py` imports it
too, in an environment of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

COUNT = 60
LABELS = ("car", "road/lane", "Straße & <Weg>")
IDS = {label: number for number, label in enumerate(LABELS, start=1)}
KINDS = ("polygon", "mask", "box", "turned", "ellipse")


@dataclass(frozen=True)
class Sample:
    """One shape: its kind, label, z_order and the attributes that say where it lies."""

    kind: str
    label: str
    z_order: int
    attributes: dict[str, str]

    @property
    def text(self) -> str:
        tag = "box" if self.kind == "turned" else self.kind
        more = "".join(f" {key}={quoteattr(value)}" for key, value in self.attributes.items())
        return (
            f'    <{tag} label={quoteattr(self.label)} source="manual" occluded="0"{more} z_order="{self.z_order}">\n'
            f"    </{tag}>\n"
        )


def samples(number: int) -> tuple[tuple[int, int], list[Sample]]:
    """(width, height) and up to six shapes, some reaching over the edge of the image."""
    rng = np.random.default_rng(number)
    width, height = (int(side) for side in rng.integers(40, 90, 2))
    kinds = [KINDS[(number + i) % len(KINDS)] for i in range(1 + number % 6)]
    return (width, height), [_sample(rng, kind, width, height) for kind in kinds]


def _sample(rng: np.random.Generator, kind: str, width: int, height: int) -> Sample:
    label, z_order = LABELS[int(rng.integers(len(LABELS)))], int(rng.integers(-1, 3))
    if kind == "mask":
        return Sample(kind, label, z_order, _mask(rng, width, height))
    if kind == "polygon":
        points = rng.uniform(-0.15, 1.15, (int(rng.integers(3, 9)), 2)) * (width, height)
        return Sample(kind, label, z_order, {"points": ";".join(f"{x:.2f},{y:.2f}" for x, y in points.tolist())})
    if kind == "ellipse":
        middle, radii = rng.uniform(0, 1, 2) * (width, height), rng.uniform(1, 30, 2)
        values = dict(zip(("cx", "cy", "rx", "ry"), [*middle.tolist(), *radii.tolist()], strict=True))
    else:
        corners = np.sort(rng.uniform(-0.1, 1.1, (2, 2)) * (width, height), axis=0)
        values = dict(zip(("xtl", "ytl", "xbr", "ybr"), corners.ravel().tolist(), strict=True))
    if kind in ("turned", "ellipse"):
        values["rotation"] = float(rng.uniform(0, 360))
    return Sample(kind, label, z_order, {key: f"{value:.2f}" for key, value in values.items()})


def _mask(rng: np.random.Generator, width: int, height: int) -> dict[str, str]:
    flags = rng.random(rng.integers(1, 30, 2)) < 0.6
    counts: list[int] = []
    value = False
    for flag in flags.ravel().tolist():
        if flag is value and counts:
            counts[-1] += 1
        else:
            counts += [1] if flag is value or counts else [0, 1]
        value = flag
    left, top = rng.integers(0, (width - flags.shape[1] + 1, height - flags.shape[0] + 1)).tolist()
    size = {"width": str(flags.shape[1]), "height": str(flags.shape[0])}
    return {"rle": ", ".join(map(str, counts)), "left": str(left), "top": str(top), **size}


def bitmap(number: int) -> np.ndarray[Any, Any]:
    """A mask of an object, shape (height, width), as cvat-sdk encodes one."""
    rng = np.random.default_rng(number)
    flags = rng.random(rng.integers(2, 30, 2)) < (0.03, 0.5, 0.97)[number % 3]
    flags[tuple(rng.integers(0, flags.shape))] = True
    return flags


def document(parts: str, *, meta: str = "", labels: tuple[Any, ...] = LABELS) -> str:
    """A file of a task with these labels, each a name, or its inner text where that begins with `<`."""
    told = "".join(
        f"<label>{label if label.startswith('<name>') else f'<name>{_escaped(label)}</name>'}<attributes></attributes>"
        "</label>"
        for label in labels
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
        f"      {meta}<labels>{told}</labels>\n    </task>\n  </meta>\n{parts}</annotations>\n"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def image(name: str, size: tuple[int, int], shapes: str = "", number: int = 0, **more: str) -> str:
    """An `<image>` with its shapes."""
    told = "".join(f" {key}={quoteattr(value)}" for key, value in more.items())
    sides = f'width="{size[0]}" height="{size[1]}"'
    return f'  <image id="{number}" name={quoteattr(name)}{told} {sides}>\n{shapes}  </image>\n'


def formula_document() -> str:
    """All samples in one file, as images 000.png and so on."""
    parts = []
    for number in range(COUNT):
        size, shapes = samples(number)
        parts.append(image(f"{number:03}.png", size, "".join(shape.text for shape in shapes), number))
    return document("".join(parts))

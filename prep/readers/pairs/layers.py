"""Masks of one class each, black and white, several to an image: laid over each other in the order of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from formats.console import say
from formats.errors import SagesegError, for_all
from formats.masks import Mask
from formats.parallel import map_all
from prep.readers.annotations.canvas import OVERLAP, Region, count_overlap, paint
from prep.readers.annotations.class_names import NamedClasses
from prep.readers.annotations.notes import tell_overlaps
from prep.readers.pairs.pairing import Pair
from prep.readers.two_colour import read_two_colours


@dataclass(frozen=True)
class Layer:
    """A mask of one class. Size in bytes and time of change tell a run that goes on whether the file is as it was."""

    path: Path
    class_id: int
    size: int
    changed: int


@dataclass(frozen=True)
class LayeredMask:
    """The masks of one image, class ids rising, so that later classes of the list lie over earlier ones, and ignore
    over all."""

    layers: tuple[Layer, ...]

    @property
    def path(self) -> Path:
        return self.layers[0].path

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(layer.path for layer in self.layers)

    def read(self) -> Mask:
        regions = self.regions()
        height, width = regions[0].flags.shape
        return paint(regions, (width, height))

    def regions(self) -> list[Region]:
        """The white of each mask. Raises SagesegError for masks of two sizes, or that are not of two colours."""
        masks = [read_two_colours(layer.path) for layer in self.layers]
        for layer, mask in zip(self.layers, masks, strict=True):
            if mask.shape != masks[0].shape:
                (height, width), (first_height, first_width) = mask.shape, masks[0].shape
                raise SagesegError(
                    f"{layer.path}: {width}×{height} pixels, but {self.path} has {first_width}×{first_height}; the "
                    "masks of one image must have one size"
                )
        return [Region(layer.class_id, 0, 0, mask > 0) for layer, mask in zip(self.layers, masks, strict=True)]


@dataclass(frozen=True)
class Layered:
    """The masks of an image, and the attributes that tell how they overlap."""

    mask: LayeredMask
    attributes: dict[str, str]


def lay_classes(pairs: Sequence[Pair], named: NamedClasses, workers: int | None) -> dict[str, Layered]:
    """The masks of each pair by its key. All are read once, to count where they overlap; it is told, and so is what
    images have no mask of a class."""
    masks = for_all(lambda pair: LayeredMask(_layers(pair.masks, named)), pairs)
    overlaps = list(map_all(_overlap, masks, workers=workers, label="masks"))
    order = ", ".join(named.classes.names[1:])
    tell_overlaps(overlaps, f"the later class of {order}", "masks")
    fewer = [pair for pair in pairs if len(pair.masks) < len({name for each in pairs for name in each.masks})]
    if fewer:
        say(f"note: {len(fewer)} image(s) lack the mask of a class and have no pixel of it, such as {fewer[0].image}")
    return {
        pair.key: Layered(mask, {OVERLAP: str(count)}) for pair, mask, count in zip(pairs, masks, overlaps, strict=True)
    }


def _layers(masks: Mapping[str | None, Path], named: NamedClasses) -> tuple[Layer, ...]:
    layers = []
    for name, path in masks.items():
        state = path.stat()
        layers.append(Layer(path, named.id_of(name or "", str(path)), state.st_size, state.st_mtime_ns))
    return tuple(sorted(layers, key=lambda layer: (layer.class_id, layer.path)))


def _overlap(mask: LayeredMask) -> int:
    regions = mask.regions()
    height, width = regions[0].flags.shape
    return count_overlap(regions, (width, height))

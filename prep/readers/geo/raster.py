"""A raster as it says of itself: size, bands, type, place on earth; and which bands and values are its image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from formats.console import say
from formats.crops import Box
from formats.errors import SagesegError
from formats.prepared.eight_bits import describe_values
from formats.prepared.rasters import open_raster, window_of
from formats.prepared.value_range import ValueRange
from formats.texts.wording import name_first

EIGHT_BITS = "uint8"
_SAMPLES, _SAMPLE_SIDE = 8, 256
"""Values are looked at in so many places down and across, each of so many pixels a side."""


@dataclass(frozen=True)
class RasterFacts:
    """`name` is the raster's path in the folder that was read; `crs` is WKT, empty where it has none; `transform` as in
    `formats.prepared.georeference`. `colours` says of each band what GDAL calls it: red, alpha, palette … `has_gaps`
    says that there may be pixels without data."""

    path: Path
    name: str
    width: int
    height: int
    dtypes: tuple[str, ...]
    colours: tuple[str, ...]
    crs: str
    transform: tuple[float, ...]
    nodata: float | None
    has_gaps: bool

    @property
    def count(self) -> int:
        return len(self.dtypes)


def look_at_raster(path: Path, name: str) -> RasterFacts:
    """Read a raster's header. Raises SagesegError for a file of several, of which GDAL would give the first alone."""
    with open_raster(path) as raster:
        if raster.subdatasets:
            raise SagesegError(
                f"{path}: {len(raster.subdatasets)} rasters in one file; expected one: write out what you mean, "
                f"such as gdal_translate {raster.subdatasets[0]} one.tif"
            )
        _tell_of_others(path, raster.files)
        whole = all("all_valid" in {flag.name for flag in flags} for flags in raster.mask_flag_enums)
        return RasterFacts(
            path=path,
            name=name,
            width=raster.width,
            height=raster.height,
            dtypes=tuple(map(str, raster.dtypes)),
            colours=tuple(colour.name for colour in raster.colorinterp),
            crs=raster.crs.to_wkt() if raster.crs else "",
            transform=tuple(map(float, raster.transform[:6])),
            nodata=raster.nodata,
            has_gaps=not whole or any(np.dtype(kind).kind == "f" for kind in raster.dtypes),
        )


def _tell_of_others(path: Path, files: Sequence[str]) -> None:
    """Say where pixels come from that do not lie with the raster: a VRT, whatever its name, may name any place."""
    folder = path.parent.resolve()
    others = [name for name in files if not Path(name).resolve().is_relative_to(folder)]
    if others:
        say(f"note: {path}: takes its pixels from outside of its folder: {name_first(others)}")


def choose_bands(raster: RasterFacts, asked: Sequence[int] | None) -> tuple[int, ...]:
    """The bands, from 1 on, that are red, green and blue, or the one that is grey. Raises SagesegError where nobody
    said it and the raster leaves it open, and for bands that it has not."""
    if asked is not None:
        beyond = [band for band in asked if not 1 <= band <= raster.count]
        if beyond:
            raise SagesegError(
                f"{raster.path}: --bands {beyond[0]}: it has {_bands(raster.count)}; expected some of them"
            )
        return _of_one_type(raster, tuple(asked))
    opaque = [band for band, colour in enumerate(raster.colours, 1) if colour != "alpha"]
    named = {colour: band for band, colour in enumerate(raster.colours, 1)}
    if all(colour in named for colour in ("red", "green", "blue")):
        found = (named["red"], named["green"], named["blue"])
        if found != (1, 2, 3):
            say(f"note: {raster.path}: red, green and blue are bands {','.join(map(str, found))}, as it says itself")
        return _of_one_type(raster, found)
    if len(opaque) not in (1, 3):
        raise SagesegError(
            f"{raster.path}: {_bands(raster.count)} ({', '.join(raster.colours)}); say which are red, green and blue, "
            "such as --bands 3,2,1, or which one is grey"
        )
    return _of_one_type(raster, tuple(opaque))


def _bands(count: int) -> str:
    return "1 band" if count == 1 else f"{count} bands"


def _of_one_type(raster: RasterFacts, bands: tuple[int, ...]) -> tuple[int, ...]:
    kinds = [raster.dtypes[band - 1] for band in bands]
    if len(set(kinds)) > 1 or np.dtype(kinds[0]).kind not in "uif":
        raise SagesegError(
            f"{raster.path}: bands {','.join(map(str, bands))} are of type {', '.join(kinds)}; expected one type of "
            "whole or real numbers"
        )
    if any(raster.colours[band - 1] == "palette" for band in bands):
        raise SagesegError(
            f"{raster.path}: its band holds places of a palette, no brightness; make colours of them first: "
            "gdal_translate -expand rgb"
        )
    return bands


def check_range(raster: RasterFacts, bands: Sequence[int], values: ValueRange | None) -> None:
    """Raise SagesegError where a raster over 8 bits has no range, telling what values it holds; where one of 8 has
    one; and where there are other numbers of pairs than of bands."""
    if raster.dtypes[bands[0] - 1] == EIGHT_BITS:
        if values is not None:
            raise SagesegError(
                f"{raster.path}: 8 bits a band, and --range {values} is for rasters of more; leave it out"
            )
        return
    told = ",".join(map(str, bands))
    if values is None:
        found = describe_values(_samples(raster, bands))
        raise SagesegError(
            f"{raster.path}: over 8 bits a band (in {_SAMPLES * _SAMPLES} places of bands {told}: {found}); say with "
            "--range LOW:HIGH, or such a pair for each band, which values become black and white"
        )
    if len(values.bands) not in (1, len(bands)):
        raise SagesegError(
            f"--range {values}: {len(values.bands)} pairs for bands {told}; expected one, or one for each"
        )


def _samples(raster: RasterFacts, bands: Sequence[int]) -> Any:
    """Values with data, one after the other, from places all over the raster."""
    with open_raster(raster.path) as opened:
        found = []
        for box in _sample_boxes(raster.width, raster.height):
            window = window_of(box)
            pixels, masks = opened.read(list(bands), window=window), opened.read_masks(list(bands), window=window)
            found.append(pixels[masks > 0])
        return np.concatenate(found)


def _sample_boxes(width: int, height: int) -> list[Box]:
    lefts, tops = (
        sorted({(length - min(_SAMPLE_SIDE, length)) * place // (_SAMPLES - 1) for place in range(_SAMPLES)})
        for length in (width, height)
    )
    side = min(_SAMPLE_SIDE, width), min(_SAMPLE_SIDE, height)
    return [Box(left, top, *side) for top in tops for left in lefts]

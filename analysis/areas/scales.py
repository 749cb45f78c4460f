"""The side of a pixel of each image: one for all, one for each group or image by a file, or the raster's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from analysis.masks.mosaic import predicted_rasters
from analysis.masks.sources import Source
from analysis.options import Scale, parse_scale
from formats.console import say
from formats.errors import SagesegError, for_all
from formats.prepared.georeference import Georeference, Raster
from formats.prepared.rasters import parse_crs
from formats.prepared.source_names import composed
from formats.texts.csv_text import read_csv
from formats.texts.wording import name_first

PIXELS = Scale(1.0, "px")
"""What areas are told in where nobody says more."""
_METRES = {"nm": 1e-9, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "mm": 1e-3, "cm": 1e-2, "dm": 0.1, "m": 1.0, "km": 1e3}
_METRES |= {"in": 0.0254, "ft": 0.3048}
_HEADERS = ("group", "image")
_EXPECTED = "the columns group,scale or image,scale, with scales such as 0.5mm/px"
_WEB_MERCATOR = 3857


@dataclass(frozen=True)
class Scales:
    """The scale of each image by its stem, all in one unit."""

    unit: str
    by_stem: Mapping[str, Scale]


def settle_scales(
    sources: Sequence[Source], scale: Scale | None, file: Path | None, georeference: Georeference | None
) -> Scales:
    """What holds for the sources: one scale, those of a file, or those of the rasters that they are tiles of; else
    pixels. What was not told is said."""
    if scale and file:
        raise SagesegError(f"--scale and --scales {file}: expected one of them")
    if file:
        return _one_unit(_of_file(sources, file), file)
    if scale is None and georeference:
        scales = _of_rasters(georeference, sources)
        if scales:
            return scales
    if scale is None:
        say("note: areas are in pixels; --scale 0.5mm/px, the side of a pixel, tells them in mm²")
    scale = scale or PIXELS
    return Scales(scale.unit, {source.stem: scale for source in sources})


def _of_file(sources: Sequence[Source], file: Path) -> dict[str, Scale]:
    kind, told = read_scales(file)
    scales, missing, used = dict[str, Scale](), dict[str, None](), set[str]()
    for source in sources:
        names = [composed(name) for name in _names(source, kind)]
        found = next((name for name in names if name in told), None)
        if found is None:
            missing[names[0] or f"(no group, such as {source.row.source}: use image,scale)"] = None
        else:
            used.add(found)
            scales[source.stem] = told[found]
    if missing:
        named = name_first(list(missing))
        or_groups = ", or say with --group-by which groups there are" * (kind == "group")
        raise SagesegError(f"{file}: no scale for {len(missing)} {kind}s: {named}; add a line for each{or_groups}")
    others = [name for name in told if name not in used]
    if others:
        say(f"note: {file}: nothing was predicted of {len(others)} {kind}s, such as {others[0]}")
    return scales


def _names(source: Source, kind: str) -> tuple[str, ...]:
    """What a file may call a source."""
    if kind == "group":
        return (source.row.group,)
    return source.row.source, PurePosixPath(source.row.source).with_suffix("").as_posix(), source.stem


def read_scales(file: Path) -> tuple[str, dict[str, Scale]]:
    """What a CSV's first column names, group or image, and the scales by these names. Raises SagesegError that names
    the line."""
    rows = read_csv(file, _EXPECTED)
    first, cells = next(rows, (1, []))
    header = [cell.strip().lower() for cell in cells]
    if len(header) != 2 or header[0] not in _HEADERS or header[1] != "scale":
        raise SagesegError(f"{file}: line {first}: {','.join(header) or 'empty'}; expected {_EXPECTED}")
    scales, at = dict[str, Scale](), dict[str, int]()

    def note(numbered: tuple[int, list[str]]) -> None:
        number, cells = numbered
        where = f"{file}: line {number}"
        if len(cells) != 2:
            raise SagesegError(f"{where}: {len(cells)} cells; expected {_EXPECTED}")
        name = composed(cells[0].strip())
        if name in scales:
            raise SagesegError(f"{where}: {name} stands in line {at[name]} already; remove one of the lines")
        try:
            scales[name], at[name] = parse_scale(cells[1]), number
        except SagesegError as e:
            raise SagesegError(f"{where}: {cells[1]}: expected the side of a pixel, such as 0.5mm/px") from e

    for_all(note, rows)
    return header[0], scales


def _one_unit(scales: dict[str, Scale], file: Path) -> Scales:
    """Scales of several units in that of the first."""
    units = list(dict.fromkeys(scale.unit for scale in scales.values()))
    unit = units[0]
    unknown = [each for each in units if each not in _METRES]
    if len(units) > 1:
        if unknown:
            raise SagesegError(
                f"{file}: {unknown[0]} beside {next(u for u in units if u != unknown[0])}; expected one "
                f"unit, or units of {', '.join(_METRES)}"
            )
        say(f"note: scales are in {' and '.join(units)}; areas are in {unit}²")
    factors = {each: _METRES[each] / _METRES[unit] if each != unit else 1.0 for each in units}
    sides = {stem: scale.per_pixel * factors[scale.unit] for stem, scale in scales.items()}
    return Scales(unit, {stem: Scale(side, unit) for stem, side in sides.items()})


def _of_rasters(georeference: Georeference, sources: Sequence[Source]) -> Scales | None:
    """The scales of tiles by where their rasters lie, in metres; None, with the reason said, where one cannot tell."""
    scales: dict[str, Scale] = {}
    for raster, tiles in predicted_rasters(georeference, sources).items():
        try:
            side = _side(raster)
        except SagesegError as e:
            say(f"note: the size of pixels on earth is not known: {e}")
            return None
        scales |= {tile.stem: Scale(side, "m") for tile in tiles.values()}
    sides = sorted({scale.per_pixel for scale in scales.values()})
    say(f"note: areas in m², by the rasters' own pixels of {' and '.join(f'{side:.6g}' for side in sides[:3])} m")
    return Scales("m", scales)


def _side(raster: Raster) -> float:
    """The side, in metres, of a square as large as a raster's pixel."""
    if not raster.crs:
        raise SagesegError(f"{raster.name} has no coordinate reference system")
    crs = parse_crs(raster.crs, raster.name)
    if not crs.is_projected or crs.to_epsg() == _WEB_MERCATOR:
        why = "is in degrees" if not crs.is_projected else "is in Web Mercator, which stretches areas"
        raise SagesegError(f"{raster.name} {why}")
    a, b, _, d, e, _ = raster.transform
    return math.sqrt(abs(a * e - b * d)) * float(crs.linear_units_factor[1])

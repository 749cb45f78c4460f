"""GeoJSON: the polygons of a file, with their classes, as they are written (RFC 7946; `crs` as in GeoJSON of 2008)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from formats.errors import SagesegError, for_all
from formats.texts.given_files import read_text
from formats.texts.json_text import parse_json

WGS84 = "OGC:CRS84"
"""What RFC 7946 says coordinates are: longitude and latitude."""
Ring = tuple[tuple[float, float], ...]
Polygons = tuple[tuple[Ring, ...], ...]
"""The coordinates of a MultiPolygon: polygons of rings, the first of which is the outline, the others are holes."""
_EXPECTED = 'expected GeoJSON: {"type": "FeatureCollection", "features": […]}'


@dataclass(frozen=True)
class Feature:
    """A polygon, or several, of one class. `place` is where it stands in its file: `features[3]`."""

    place: str
    name: str
    polygons: Polygons


@dataclass(frozen=True)
class FeatureFile:
    """The features with an area, in the file's order; `left_out` has the places of the others by what they are."""

    path: Path
    crs: str
    features: tuple[Feature, ...]
    left_out: dict[str, list[str]] = field(default_factory=dict)


def read_features(path: Path, class_field: str | None, one_class: str | None) -> FeatureFile:
    """Read a GeoJSON file. The class is what the property `class_field` says, or for all `one_class`.

    Raises SagesegError, naming the file and the feature, for what is no GeoJSON, a property that is missing, a ring of
    fewer than three points, and where nothing has an area.
    """
    content = _parse(path)
    if not content["features"]:
        raise SagesegError(f"{path}: no feature in it; expected polygons")
    left_out: dict[str, list[str]] = {}
    found: list[Feature] = []

    def note(numbered: tuple[int, Any]) -> None:
        number, told = numbered
        where = f"{path}: features[{number}]"
        if not isinstance(told, dict):
            raise SagesegError(f"{where}: {str(told)[:40]} is no feature; {_EXPECTED}")
        polygons = tuple(_polygons(told.get("geometry"), where, left_out))
        if polygons:
            found.append(Feature(f"features[{number}]", one_class or _class_of(told, class_field, where), polygons))

    for_all(note, enumerate(content["features"]))
    if not found:
        raise SagesegError(f"{path}: no polygon in it ({_told(left_out)}); expected areas: give lines a width first")
    return FeatureFile(path, _crs_of(content, path), tuple(found), left_out)


def _told(left_out: dict[str, list[str]]) -> str:
    """`3 LineString, 1 without geometry`."""
    return ", ".join(f"{len(places)} {kind}" for kind, places in left_out.items())


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_text(path, "GeoJSON"), flat=True, any_number=True)
    except ValueError as e:
        raise SagesegError(f"{path}: not JSON ({e}); {_EXPECTED}") from e
    if not isinstance(content, dict) or not isinstance(content.get("features"), list):
        kind = content.get("type", "an object without type") if isinstance(content, dict) else "no object"
        raise SagesegError(f"{path}: {kind}; {_EXPECTED}")
    return content


def _crs_of(content: dict[str, Any], path: Path) -> str:
    told = content.get("crs")
    if told is None:
        return WGS84
    try:
        return str(told["properties"]["name"])
    except (TypeError, KeyError) as e:
        raise SagesegError(
            f'{path}: crs is {json.dumps(told)[:80]}; expected {{"type": "name", "properties": {{"name": "EPSG:…"}}}}'
        ) from e


def _class_of(told: dict[str, Any], class_field: str | None, where: str) -> str:
    properties = told.get("properties") or {}
    if not isinstance(properties, dict):
        raise SagesegError(f"{where}: properties is {json.dumps(properties)[:40]}; expected {{name: value, …}}")
    value = properties.get(class_field)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        fields = ", ".join(properties) or "none"
        raise SagesegError(
            f"{where}: its property {class_field} is {json.dumps(value)}; expected its class: give it one, or say with "
            f"--class-field which property it is (here: {fields}), or with --class one class for all"
        )
    return str(value).strip()


def _polygons(geometry: Any, where: str, left_out: dict[str, list[str]]) -> Iterator[tuple[Ring, ...]]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection":
        for number, part in enumerate(_list(geometry.get("geometries"), f"{where}.geometry", "geometries")):
            yield from _polygons(part, f"{where}.geometry.geometries[{number}]", left_out)
    elif kind in ("Polygon", "MultiPolygon"):
        many = geometry.get("coordinates")
        polygons = [many] if kind == "Polygon" else _list(many, where, "polygons")
        if not any(polygons):
            left_out.setdefault(f"{kind} without points", []).append(where.rpartition(": ")[2])
        for number, polygon in enumerate(polygons):
            inside = f"{where}.geometry.coordinates" + ("" if kind == "Polygon" else f"[{number}]")
            rings = tuple(_ring(ring, f"{inside}[{place}]") for place, ring in enumerate(_list(polygon, inside)))
            if rings:
                yield rings
    else:
        left_out.setdefault(str(kind or "without geometry"), []).append(where.rpartition(": ")[2])


def _list(value: Any, where: str, of: str = "rings of points") -> list[Any]:
    if not isinstance(value, list):
        raise SagesegError(f"{where}: {json.dumps(value)[:40]}; expected a list of {of}")
    return value


def _ring(told: Any, where: str) -> Ring:
    """A closed ring; heights are left out."""
    try:
        points = tuple((float(point[0]), float(point[1])) for point in told)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError) as e:
        raise SagesegError(f"{where}: {json.dumps(told)[:40]}; expected points, such as [[9.1, 50.2], …]") from e
    if not all(math.isfinite(value) for point in points for value in point):
        raise SagesegError(f"{where}: a coordinate is no finite number; draw the polygon again")
    closed = points if points[:1] == points[-1:] and len(points) > 1 else (*points, *points[:1])
    if len(closed) < 4:
        raise SagesegError(f"{where}: a ring of {len(set(points))} point(s); expected three or more")
    return closed

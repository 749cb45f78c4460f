"""One record of an export: a task with its annotations (JSON), or one annotation of a task (JSON-MIN)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from formats.errors import SagesegError
from prep.readers.labelstudio.image_names import is_image_address, is_video_address
from prep.readers.labelstudio.shapes import Size, kind_of

EXPECTED = "a JSON or JSON-MIN export of Label Studio"
_LISTS = ("annotations", "completions")
"""Where annotations stand; the second until version 1.0."""
_PREDICTIONS = "predictions"
_OF_MIN = ("annotation_id", "annotator", "lead_time")


@dataclass(frozen=True)
class Written:
    """One annotation of a task, by its place: the record's number in the file, and the annotation's in `key` of the
    record, which is None where the record is the annotation. `annotator` is the id and address of who wrote it, as far
    as they are known; `changed` is in seconds since 1970."""

    where: str
    number: int
    key: str | None
    index: int
    annotator: tuple[str, ...]
    changed: float
    is_truth: bool


@dataclass(frozen=True)
class Task:
    """A record: `images` are the addresses in its data that are an image's, by their keys; `annotations` those that
    were not skipped. `pages` is a key with a list of images, `video` one with a video; '' for none."""

    where: str
    name: str
    images: dict[str, str]
    annotations: tuple[Written, ...]
    skipped: int
    passed_over: int
    pages: str
    video: str


@dataclass(frozen=True)
class Entry:
    """One result of an annotation: a region, or what was said of one. `region` is its id, where that is known, `tag`
    the name of what it lies on, `turned` the degrees by which the image was turned when it was drawn. `control` is the
    tool in whose list it stands, where each has a list of its own, as in JSON-MIN: then nobody knows the order of
    regions of several."""

    where: str
    value: dict[str, Any]
    size: Size | None
    region: str | None = None
    tag: str | None = None
    turned: object = None
    control: str | None = None


def read_task(record: dict[str, Any], number: int, where: str, *, image_key: str | None, use_predictions: bool) -> Task:
    """Look at a record. Its `passed_over` are predictions; with `use_predictions` these are read, and annotations are
    passed over. Raises SagesegError, naming it, for what Label Studio does not write."""
    where = f"{where} (task {record['id']})" if isinstance(record.get("id"), int | str) else where
    if not isinstance(record.get("data"), dict):
        return _minimal(record, number, where, image_key, use_predictions=use_predictions)
    key = next((key for key in _LISTS if key in record), _LISTS[0])
    keys = (_PREDICTIONS, key) if use_predictions else (key, _PREDICTIONS)
    read, passed_over = (_listed(record, key, where) for key in keys)
    kept = [i for i, each in enumerate(read) if not _was_skipped(_object(each, f"{where}: {keys[0]}[{i}]"))]
    return Task(
        where,
        where,
        _images(record["data"], image_key),
        tuple(_written(read[i], number, keys[0], i, where) for i in kept),
        len(read) - len(kept),
        len(passed_over),
        *_others(record["data"]),
    )


def _minimal(record: dict[str, Any], number: int, where: str, image_key: str | None, *, use_predictions: bool) -> Task:
    if not any(key in record for key in _OF_MIN):
        raise SagesegError(f'{where}: neither "data" nor "annotation_id" is in it; expected {EXPECTED}')
    if use_predictions:
        raise SagesegError(f"{where}: JSON-MIN holds no predictions; export JSON, or leave out --use-predictions")
    images = _images(record, image_key)
    name = str(record["id"]) if record.get("id") is not None else repr(sorted(images.items()))
    there = record.get("annotation_id") is not None
    return Task(
        where, name, images, (_written(record, number, None, 0, where),) if there else (), 0, 0, *_others(record)
    )


def _images(data: dict[str, Any], image_key: str | None) -> dict[str, str]:
    return {
        key: value
        for key, value in data.items()
        if isinstance(value, str) and (is_image_address(value) or key == image_key)
    }


def _others(data: dict[str, Any]) -> tuple[str, str]:
    """The keys of a list of images, and of a video."""
    lists = (key for key, value in data.items() if isinstance(value, list) and value and is_image_address(value[0]))
    videos = (key for key, value in data.items() if is_video_address(value))
    return next(lists, ""), next(videos, "")


def _listed(record: dict[str, Any], key: str, where: str) -> list[Any]:
    listed = record.get(key)
    if not isinstance(listed, list | None):
        raise SagesegError(f"{where}: {key} is no list; expected {EXPECTED}")
    return listed or []


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SagesegError(f"{where}: {str(value)[:40]}; expected an object: export JSON with all that it holds")
    return value


def _was_skipped(annotation: dict[str, Any]) -> bool:
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def _written(annotation: dict[str, Any], number: int, key: str | None, index: int, where: str) -> Written:
    own = annotation.get("id" if key else "annotation_id")
    place = f"{where}: annotation {own}" if own is not None else f"{where}: {key}[{index}]"
    times = [annotation[name] for name in ("updated_at", "created_at") if annotation.get(name) is not None]
    return Written(
        place,
        number,
        key,
        index,
        _annotator(annotation.get("completed_by" if key else "annotator")),
        _seconds(times[0], place) if times else -math.inf,
        bool(annotation.get("ground_truth")),
    )


def _annotator(told: object) -> tuple[str, ...]:
    if isinstance(told, dict):
        return tuple(str(told[key]) for key in ("id", "email") if told.get(key) is not None)
    return () if told is None else (str(told),)


def _seconds(time: object, where: str) -> float:
    try:
        if isinstance(time, str):
            moment = datetime.fromisoformat(time)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return float(time)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError) as e:
        raise SagesegError(f"{where}: {time!r} is no time; expected such as 2024-01-30T02:40:43Z") from e


def entries(record: dict[str, Any], written: Written) -> Iterator[Entry]:
    """The results of one annotation, in the order of the file."""
    if written.key is None:
        yield from _minimal_entries(record, written.where)
        return
    results = record[written.key][written.index].get("result") or []
    if not isinstance(results, list):
        raise SagesegError(f"{written.where}: result is no list; expected {EXPECTED}")
    for i, result in enumerate(results):
        where = f"{written.where}: result[{i}]"
        told = _object(result, where)
        where = f"{where} ({told['id']})" if told.get("id") is not None else where
        value = _object(told.get("value", {}), f"{where}: value")
        size, turned = _size(told, where), told.get("image_rotation")
        yield Entry(where, value, size, _text(told.get("id")), _text(told.get("to_name")), turned)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _minimal_entries(record: dict[str, Any], where: str) -> Iterator[Entry]:
    for key, listed in record.items():
        for i, value in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(value, dict) and kind_of(value):
                place = f"{where}: {key}[{i}]"
                yield Entry(place, value, _size(value, place), control=key)


def _size(told: dict[str, Any], where: str) -> Size | None:
    sides = told.get("original_width"), told.get("original_height")
    if sides == (None, None):
        return None
    whole = [int(s) for s in sides if isinstance(s, int | float) and not isinstance(s, bool) and s > 0 and s == s // 1]
    if len(whole) != 2:
        stated = f"{sides[0]!r} × {sides[1]!r}"
        raise SagesegError(f"{where}: original_width × original_height is {stated}; expected whole numbers of pixels")
    return whole[0], whole[1]

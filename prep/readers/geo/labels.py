"""What labels rasters: polygons of GeoJSON or rasters of one grid, one file for all or one for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from formats.classes import IGNORE, IGNORE_NAME, ClassTable
from formats.console import say
from formats.errors import AlikeError, SagesegError, for_all, raise_all
from formats.parallel import map_all
from formats.prepared.image_folder import files_with
from formats.prepared.rasters import RASTER_SUFFIXES
from formats.prepared.source_names import composed
from formats.texts.wording import name_first
from prep.readers.classes.id_values import Question, id_numbering, why_no_foreground
from prep.readers.classes.label_list import (
    ClassList,
    Line,
    find_background,
    find_class_list,
    number_lines,
    read_class_list,
)
from prep.readers.classes.mask_values import MaskFacts
from prep.readers.geo.drawing import PolygonMask, hold_no_centre, on_tiles, place_features
from prep.readers.geo.features import FeatureFile, read_features
from prep.readers.geo.mask_raster import WHITE, MaskRaster, MaskTile, check_grid, check_labels, values_of_tile
from prep.readers.geo.raster import RasterFacts, look_at_raster
from prep.readers.geo.tiles import RasterTile
from prep.readers.labelled_image import LeftOut, MaskSource, count_left_out, leave_out

GEOJSON_SUFFIXES = frozenset({".geojson", ".json"})


@dataclass(frozen=True)
class LabelChoice:
    """What the options say of labels: `path` (--labels-from), the list of --labels, --background, --binary,
    --class-field and --class."""

    path: Path
    labels: Path | None = None
    background: str | None = None
    binary: bool = False
    class_field: str | None = None
    one_class: str | None = None


@dataclass(frozen=True)
class TiledRaster:
    """A raster and its tiles that hold data."""

    facts: RasterFacts
    tiles: tuple[RasterTile, ...]


@dataclass(frozen=True)
class Labelled:
    """The mask of each tile of each raster; `no_foreground` and `left_out` as in `Source`."""

    classes: ClassTable
    masks: dict[Path, list[MaskSource]] = field(default_factory=dict)
    no_foreground: str = ""
    left_out: tuple[LeftOut, ...] = ()


def label_files(path: Path, rasters: Sequence[RasterFacts]) -> tuple[dict[Path, Path], tuple[LeftOut, ...]]:
    """The file that labels each raster: `path` itself, or the one of its stem in the folder `path`, where rasters may
    lie too; of its path below the folder where rasters have one stem. And how many rasters are left out, because there
    is none.

    Raises SagesegError for a file that labels none of them, and for two of one stem.
    """
    if not path.is_dir():
        if not path.exists():
            raise SagesegError(f"{path}: not found; expected GeoJSON, a raster of labels, or a folder of them")
        if path.suffix.lower() not in GEOJSON_SUFFIXES and len(rasters) > 1:
            raise SagesegError(
                f"{path}: one raster of labels for {len(rasters)} rasters; expected a folder with their stems in it"
            )
        return {raster.path: path for raster in rasters}, ()
    by_path = len({_label_name(raster.name, by_path=False) for raster in rasters}) < len(rasters)
    own = {raster.path.resolve() for raster in rasters}
    labels = [
        each for each in files_with(path, GEOJSON_SUFFIXES | RASTER_SUFFIXES, deep=True) if each.resolve() not in own
    ]
    of_name: dict[str, Path] = {}

    def note(found: Path) -> None:
        other = of_name.setdefault(_label_name(found.relative_to(path).as_posix(), by_path=by_path), found)
        if other != found:
            raise SagesegError(f"{other} and {found.name}: two files of one stem; remove one")

    for_all(note, labels)
    pairs = {raster.path: of_name.pop(_label_name(raster.name, by_path=by_path), None) for raster in rasters}
    such = "; some rasters have one stem, so paths must be equal" if by_path else ""
    raise_all(
        SagesegError(f"{lonely}: no raster {name} among those that were read{such}; add it, or take this away")
        for name, lonely in sorted(of_name.items())
    )
    without = [raster for raster, labels in pairs.items() if labels is None]
    if len(without) == len(pairs):
        raise SagesegError(f"{path}: no GeoJSON and no raster in it; expected labels with the rasters' stems")
    left_out = leave_out("rasters without labels", without)
    return {raster: labels for raster, labels in pairs.items() if labels is not None}, left_out


def _label_name(path: str, *, by_path: bool) -> str:
    """By which a raster and its labels are told to belong together: of a path below its folder the stem, or all but
    the suffix."""
    told = PurePosixPath(composed(path)).with_suffix("")
    return told.as_posix() if by_path else told.name


def settle_labels(
    rasters: Sequence[TiledRaster], files: Mapping[Path, Path], choice: LabelChoice, workers: int | None
) -> Labelled:
    """Read the labels of all rasters. `files` are those of `label_files`."""
    kinds = {files[raster.facts.path].suffix.lower() in GEOJSON_SUFFIXES for raster in rasters}
    if len(kinds) > 1:
        raise SagesegError(f"{choice.path}: some labels are GeoJSON and some are rasters; expected one kind")
    if kinds == {True}:
        return _of_polygons(rasters, files, choice)
    for name, given in (("--class-field", choice.class_field), ("--class", choice.one_class)):
        if given:
            raise SagesegError(f"{name}: only for polygons; {choice.path} holds values, whose classes --labels lists")
    return _of_rasters(rasters, files, choice, workers)


def _of_polygons(rasters: Sequence[TiledRaster], files: Mapping[Path, Path], choice: LabelChoice) -> Labelled:
    if (choice.class_field is None) == (choice.one_class is None):
        raise SagesegError(
            f"{choice.path}: say with --class-field which property is the class, or with --class one class for all"
        )
    if choice.binary:
        raise SagesegError("--binary: only for rasters of black and white; polygons have their class in a property")
    paths = list(dict.fromkeys(files.values()))
    opened = for_all(lambda path: read_features(path, choice.class_field, choice.one_class), paths)
    read = dict(zip(paths, opened, strict=True))
    listed = _classes_of(read.values(), choice)
    numbering = number_lines(listed, find_background(listed, choice.background))
    for_all(lambda file: _check_classes(file, numbering.of_name, listed), opened)
    touched = {path: np.zeros(len(file.features), bool) for path, file in read.items()}
    small = {path: np.ones(len(file.features), bool) for path, file in read.items()}
    masks: dict[Path, list[MaskSource]] = {}
    for raster in rasters:
        path = files[raster.facts.path]
        drawn = place_features(read[path], raster.facts, numbering.of_name)
        found, here = on_tiles(drawn, [tile.box for tile in raster.tiles])
        touched[path] |= here
        small[path] &= hold_no_centre(drawn)
        masks[raster.facts.path] = [
            PolygonMask(path, tile, raster.facts.has_gaps, own) for tile, own in zip(raster.tiles, found, strict=True)
        ]
    left_out = [each for path, file in read.items() for each in _left_out(file, touched[path], small[path])]
    return Labelled(numbering.classes, masks, left_out=tuple(left_out))


def _classes_of(files: Collection[FeatureFile], choice: LabelChoice) -> ClassList:
    if choice.labels:
        return read_class_list(choice.labels)
    names = sorted({feature.name for file in files for feature in file.features} - {IGNORE_NAME})
    if len(names) > 1:
        say(f"note: {choice.path}: classes in the order of their names: {', '.join(names)}; --labels gives another")
    return ClassList(str(choice.path), tuple(map(Line, names)))


def _check_classes(file: FeatureFile, of_name: Mapping[str, int], listed: ClassList) -> None:
    names = name_first([line.name for line in listed.lines], 8)
    raise_all(
        AlikeError(
            f"{file.path}: {strange.place}",
            f"class {strange.name}",
            f"class {strange.name} stands not in {listed.where}; expected {names}: add it there, or correct the "
            "feature",
        )
        for strange in file.features
        if strange.name not in of_name
    )


def _left_out(file: FeatureFile, touched: npt.NDArray[np.bool_], small: npt.NDArray[np.bool_]) -> tuple[LeftOut, ...]:
    outside = [feature for feature, here in zip(file.features, touched.tolist(), strict=True) if not here]
    if len(outside) == len(file.features):
        raise SagesegError(
            f"{file.path}: all {len(outside)} polygons lie outside the rasters (its coordinates are {file.crs}); "
            "expected some on them: another file, or a crs member that says what the coordinates are"
        )
    others = ((f"features that are no polygon ({kind})", at) for kind, own in file.left_out.items() for at in own)
    found = [*others, *(("features outside the rasters", feature.place) for feature in outside)]
    undrawn = np.flatnonzero(touched & small).tolist()
    found += [("features that lie between the centres of pixels", file.features[number].place) for number in undrawn]
    return count_left_out((reason, f"{file.path}: {place}") for reason, place in found)


def _of_rasters(
    rasters: Sequence[TiledRaster], files: Mapping[Path, Path], choice: LabelChoice, workers: int | None
) -> Labelled:
    listed = _list_beside(choice)
    paths = list(dict.fromkeys(files.values()))
    facts = dict(zip(paths, for_all(lambda path: look_at_raster(path, path.name), paths), strict=True))
    for_all(lambda raster: check_grid(facts[files[raster.facts.path]], raster.facts), rasters)
    coloured = {path for path, labels in facts.items() if check_labels(labels, has_colours=listed.has_colours)}
    question = Question(listed, find_background(listed, choice.background), choice.background)
    plain = [raster for raster in rasters if files[raster.facts.path] not in coloured]
    values = _survey(plain, files, facts, len(listed.lines), workers)
    if choice.binary:
        classes, ids, why = _black_and_white(question, values), {0: 0, WHITE: 1}, ""
    else:
        surveyed = [MaskFacts(path, "L", tuple(sorted(used))) for path, used in values.items()]
        numbering = id_numbering(surveyed, question, ()) if surveyed else question.numbering
        classes, ids = numbering.classes, {**dict(enumerate(numbering.of_value)), IGNORE: IGNORE}
        why = why_no_foreground(surveyed, question) if surveyed and not coloured else ""
    masks: dict[Path, list[MaskSource]] = {}
    for raster in rasters:
        path = files[raster.facts.path]
        colours = question.numbering.of_colour if path in coloured else {}
        labels = MaskRaster(path, ids, colours, _nodata(facts[path], ids))
        masks[raster.facts.path] = [MaskTile(path, tile, raster.facts.has_gaps, labels) for tile in raster.tiles]
    return Labelled(classes, masks, why)


def _list_beside(choice: LabelChoice) -> ClassList:
    folder = choice.path if choice.path.is_dir() else choice.path.parent
    listed = read_class_list(choice.labels) if choice.labels else find_class_list(folder)
    if listed is None:
        raise SagesegError(f"{choice.path}: nobody says what its values mean; expected --labels, one class per line")
    return listed


def _survey(
    rasters: Sequence[TiledRaster],
    files: Mapping[Path, Path],
    facts: Mapping[Path, RasterFacts],
    lines: int,
    workers: int | None,
) -> dict[Path, set[int]]:
    """The values of each raster of labels in the tiles with data, but for the one that it calls no data and that lies
    beyond the ids of so many lines."""
    used: dict[Path, set[int]] = {}

    def look_at(raster: TiledRaster) -> None:
        path = files[raster.facts.path]
        look = partial(values_of_tile, path)
        boxes = [tile.box for tile in raster.tiles]
        found = used.setdefault(path, set())
        for values in map_all(look, boxes, workers=workers, label="labels"):
            found.update(values)
        nodata = facts[path].nodata
        if nodata is not None and nodata != IGNORE and not 0 <= nodata <= lines:
            found.discard(int(nodata))
        below = [value for value in found if value < 0]
        if below:
            raise SagesegError(f"{path}: value {min(below)} is no class; expected 0 or more, or {IGNORE} for ignore")

    for_all(look_at, rasters)
    return used


def _black_and_white(question: Question, values: Mapping[Path, set[int]]) -> ClassTable:
    classes = question.numbering.classes
    if len(classes) != 2:
        raise SagesegError(f"--binary: {question.listed.where} has {len(classes) - 1} classes; expected one: white")
    raise_all(
        SagesegError(f"{path}: value {min(strange)}; expected 0 and {WHITE} alone with --binary")
        for path, used in values.items()
        if (strange := used - {0, WHITE})
    )
    return classes


def _nodata(labels: RasterFacts, ids: Mapping[int, int]) -> int | None:
    """The value of pixels without a label, unless a class has it; then it is that class, and that is said."""
    if labels.nodata is None or labels.nodata != labels.nodata:
        return None
    value = int(labels.nodata)
    if ids.get(value, IGNORE) != IGNORE:
        say(
            f"note: {labels.path}: calls its value {value} no data; a class has it, so it is read as the class; "
            f"write {IGNORE} where pixels shall be ignored"
        )
        return None
    return value

"""Kaggle's Carvana submission: masks as run lengths in a CSV, and back."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from analysis.exports.run_length import decode_runs, encode_runs, longest_line
from analysis.exports.unpredicted import tell_unpredicted
from analysis.masks.chosen import choose_sources
from analysis.masks.cleaning import NO_CHANGES, Changes, read_clean
from analysis.masks.sources import Source, plan_sources
from analysis.options import AS_PREDICTED, Cleaning
from formats import limits
from formats.classes import BACKGROUND, IGNORE, ClassTable
from formats.disk.whole_files import staged_file
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.limits import check_pixels
from formats.manifest import ManifestRow
from formats.mask_rows import write_mask_rows
from formats.masks import Mask
from formats.parallel import map_all
from formats.predictions import Predictions, mask_path, write_predictions_tables
from formats.safe_names import check_name
from formats.texts.csv_text import format_csv

HEADER = ("img", "rle_mask")
_GZIP = b"\x1f\x8b"
_LONGEST_NAME = 4096
DEFAULT_CLASS = "car"
"""What Carvana's masks show; a submission does not say."""


def write_submission(
    predictions: Predictions,
    out: Path,
    *,
    class_name: str | None = None,
    listed: Path | None = None,
    cleaning: Cleaning = AS_PREDICTED,
    overwrite: bool = False,
    workers: int | None = None,
) -> tuple[int, Changes]:
    """Write one line per image, or per image that is `listed`, gzipped where `out` ends in .gz. Returns how many, and
    what cleaning did.

    `class_name` says which class is submitted; it may be None where there is one besides the
    background. An `out` that exists is refused unless `overwrite` is set. Neither time nor name goes
    into the gzip, so the same masks give the same bytes.
    """
    class_id = _class_id(predictions, class_name)
    sources = choose_sources(plan_sources(predictions, None), listed)
    num_values = len(predictions.classes) if predictions.classes else IGNORE
    work = partial(_encode, predictions.root, num_values, class_id, cleaning)
    changed = NO_CHANGES
    with staged_file(out, overwrite=overwrite) as beside, _writing(beside, packed=out.suffix == ".gz") as file:
        file.write(format_csv([HEADER]).encode())
        for line, changes in map_all(work, sources, workers=workers, label="encoding"):
            file.write(format_csv([line]).encode())
            changed += changes
    tell_unpredicted(sources)
    return len(sources), changed


@contextmanager
def _writing(path: Path, *, packed: bool) -> Iterator[BinaryIO | gzip.GzipFile]:
    with path.open("wb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as gzipped:
            yield gzipped


def _class_id(predictions: Predictions, name: str | None) -> int:
    names = predictions.classes.names if predictions.classes else (BACKGROUND, "1")
    if name is None:
        if len(names) > 2:
            raise SagesegError(f"{predictions.root}: {len(names) - 1} classes; choose one with --class: {names[1:]}")
        return 1
    if name not in names[1:]:
        raise SagesegError(f"--class {name}: expected one of {', '.join(names[1:])}")
    return names.index(name)


def _encode(
    root: Path, num_values: int, class_id: int, cleaning: Cleaning, source: Source
) -> tuple[tuple[str, str], Changes]:
    mask, changes = read_clean(root, source, num_values, cleaning)
    # of images that share a stem, the file's name alone would not say which
    return (f"{source.stem}{PurePosixPath(source.row.source).suffix}", encode_runs(mask == class_id)), changes


def read_submission(path: Path, size: tuple[int, int]) -> Iterator[tuple[str, Mask]]:
    """The (image name, mask) of each line of a submission, plain or gzipped; masks are 0 and 1, uint8
    of `size` (width, height).

    Raises SagesegError naming the line that is not as `write_submission` writes it.
    """
    check_pixels(*size, "--size", "choose the size of the images")
    for number, (name, text) in enumerate(_lines(path, _LONGEST_NAME + longest_line(*size)), start=2):
        try:
            yield name, decode_runs(text, *size)
        except ValueError as e:
            raise SagesegError(f"{path}: line {number}, {name}: {e}; is --size the images' size?") from e


def _lines(path: Path, longest: int) -> Iterator[tuple[str, str]]:
    """The cells below the header, read as they are needed: a small file may unfold to anything."""
    csv.field_size_limit(max(csv.field_size_limit(), longest))
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            reader = csv.reader(_bounded(gzip.GzipFile(fileobj=file) if packed else file, path, longest))
            if tuple(next(reader, ())) != HEADER:
                raise SagesegError(f"{path}: line 1: expected {','.join(HEADER)}")
            for number, cells in enumerate(reader, start=2):
                if len(cells) != len(HEADER):
                    raise SagesegError(f"{path}: line {number}: {len(cells)} cells; expected {','.join(HEADER)}")
                if number - 1 > limits.MOST_FILES:
                    raise SagesegError(f"{path}: over {limits.MOST_FILES:,} lines; divide it, a line is an image")
                yield cells[0], cells[1]
    except FileNotFoundError as e:
        raise SagesegError(f"{path}: not found; expected a submission") from e
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as e:
        raise SagesegError(f"{path}: cannot be read ({e}); expected a CSV, plain or gzipped") from e


def _bounded(file: BinaryIO | gzip.GzipFile, path: Path, longest: int) -> Iterator[str]:
    """Lines of text, none over `longest` bytes, which no image's is, and all within MOST_UNPACKED."""
    total, number = 0, 0
    while line := file.readline(longest + 1):
        number, total = number + 1, total + len(line)
        if len(line) > longest:
            raise SagesegError(
                f"{path}: line {number}: over {longest:,} bytes, more than a mask of --size takes; expected a "
                "submission of images of that size"
            )
        if total > limits.MOST_UNPACKED:
            raise SagesegError(f"{path}: over {limits.MOST_UNPACKED:,} bytes unpacked; divide it into several")
        yield line.decode("utf-8")


def masks_from_submission(
    path: Path, out: Path, size: tuple[int, int], *, class_name: str | None = None, overwrite: bool = False
) -> int:
    """Write the folder `out`: stitched predictions with the masks of a submission. Returns how many."""
    width, height = size
    classes = ClassTable((BACKGROUND, class_name or DEFAULT_CLASS))
    rows: dict[str, ManifestRow] = {}
    with staged_folder(out, overwrite=overwrite) as stage:
        (stage / "masks").mkdir()
        for name, mask in read_submission(path, size):
            row = _row(check_name(name, path, "an image"), width, height)
            if row.id in rows:
                raise SagesegError(f"{path}: {name!r}: stands twice; expected a line per image")
            rows[row.id] = row
            write_mask_rows(mask_path(stage, row.id), width, height, [mask])
        if not rows:
            raise SagesegError(f"{path}: no image in it; expected a line per image")
        write_predictions_tables(stage, rows.values(), classes, {"submission": path.name})
    return len(rows)


def _row(name: str, width: int, height: int) -> ManifestRow:
    stem = Path(name).stem
    return ManifestRow(stem, "", stem, name, 0, 0, width, height, width, height)

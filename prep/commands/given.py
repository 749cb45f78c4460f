"""What a verb of a reader is given is looked for before it reads anything: nobody waits for hours to learn that --out
exists."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from formats.disk.whole_folders import refuse_existing
from formats.errors import SagesegError, for_all
from formats.prepared.georeference import FILE as GEOREFERENCE
from formats.shards.work_plan import check_place, refuse_another_cut
from formats.verbs.command_options import takes
from prep.options import PrepOptions
from prep.remote.places import parse_place

Command = TypeVar("Command", bound=Callable[..., Any])
PLACES = ("images", "masks", "labels_from")
"""The options of readers that name a place on this machine or in S3, as all their arguments do; values of others that
are texts here are no places."""
_FOLDERS = {"images": "one of images", "masks": "one of masks"}
_OPTION_OF = {"value_map": "map"}
_WORDS_OF = {"value_map": ", or the word cityscapes"}


def reads_labels(command: Command) -> Command:
    """A verb with an option for each field of PrepOptions, in the place of `options`, which is not begun where what it
    is given cannot do."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        check_given(given["out"], given["options"], given)
        return command(**given)

    return takes(PrepOptions, "options")(run)  # type: ignore[return-value]


def check_given(out: Path, options: PrepOptions, given: Mapping[str, Any]) -> None:
    """Raise SagesegError for an `out` that cannot be made, or holds what is read, and for files and folders that are
    not there; `given` are the verb's arguments by their names."""
    places = list(_places(given))
    if options.shard is None:
        refuse_existing(out, overwrite=options.overwrite, reads=[place for _, place in places])
    else:
        check_place(out, [GEOREFERENCE])
        refuse_another_cut(out, options.shard)
    from prep.readers.classes.cityscapes import CITYSCAPES  # numpy's import is not for --help

    files = [
        (name, value)
        for name, value in given.items()
        if isinstance(value, Path) and name != "out" and (name, str(value)) != ("value_map", CITYSCAPES)
    ]
    for_all(_check_file, files)
    if not any(place.suffix.lower() == ".zip" for _, place in places):  # of an archive the reader says more
        for_all(_check_folder, [(name, place) for name, place in places if name in _FOLDERS])
    if options.split_file:
        from prep.dataset.split import read_split_file

        read_split_file(options.split_file)
    if isinstance(options.focus, Path) and not options.focus.is_dir():
        from prep.readers.regions import read_regions

        read_regions(options.focus)


def _places(given: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """The arguments that may be paths on this machine."""
    for name, value in given.items():
        for text in value if isinstance(value, list) else [value]:
            place = parse_place(text) if isinstance(text, str) else None
            if isinstance(place, Path):
                yield name, place


def _check_file(option: tuple[str, Path]) -> None:
    name, path = option
    if not path.is_file():
        told = "a folder" if path.is_dir() else "no such file"
        words = _OPTION_OF.get(name, name).replace("_", "-")
        others = _WORDS_OF.get(name, "")
        raise SagesegError(f"{path}: {told}; expected the file that --{words} names{others}")


def _check_folder(option: tuple[str, Path]) -> None:
    name, path = option
    if not path.exists():
        raise SagesegError(f"{path}: no such folder; expected {_FOLDERS[name]}")

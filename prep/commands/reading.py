"""What the verbs of readers share: options, and writing what was read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formats.console import detail, result, say
from formats.errors import SagesegError
from formats.shards.markers import done_shards
from formats.shards.shard import Shard
from formats.texts.given_files import ArchiveError
from formats.verbs.mounting import typed_words
from prep.options import PrepOptions
from prep.remote.awaited import NOTHING_AWAITED, Awaited

if TYPE_CHECKING:
    from prep.dataset.tally import SplitCounts
    from prep.readers.labelled_image import Source
    from prep.recognise.recognised import Recognised

ClassListFile = Annotated[Path | None, typer.Option(help="One class per line, or a labelmap.txt; else the folder's.")]
Background = Annotated[
    str | None,
    typer.Option(help="The class that is the background, or none where all are objects.", metavar="NAME|none"),
]
Binary = Annotated[bool, typer.Option("--binary", help="Masks are black and white: white is the list's one class.")]
Labels = Annotated[
    Path | None, typer.Option(help="One class per line, in the order of the ids; else the order of the file.")
]
SkipMissing = Annotated[
    bool, typer.Option("--skip-missing", help="Leave out images that the annotations name and nobody has.")
]
ImageSets = Annotated[
    list[str] | None,
    typer.Option(help="Split of a list or subset whose name says none: train, val, test, none.", metavar="NAME=SPLIT"),
]
Out = Annotated[Path, typer.Option(help="Folder of the dataset to make.", show_default=False)]
_FORMAT = {"tiles": "geotiff"}
"""The reader of what another verb takes too: rasters whose labels lie elsewhere look like rasters without."""


@contextmanager
def reading(verb: str, *places: Path) -> Iterator[None]:
    """While `sageseg prep VERB` reads from these places: where it is refused, and what lies at one of them is for
    another verb, the refusal names that."""
    try:
        yield
    except ArchiveError:
        raise
    except SagesegError as e:
        from prep.recognise.recognise import recognise

        for place in places:
            found: list[Recognised] = []
            with suppress(SagesegError):  # what cannot be looked through is for no other verb
                found = recognise(place) if place.exists() else []
            of_verb = [each for each in found if _FORMAT.get(each.verb, each.verb) == verb]
            if found and place not in [each.place for each in of_verb]:
                raise SagesegError(f"{e}; {(of_verb or found)[0]}") from e
        raise


def write(source: Source, out: Path, options: PrepOptions, awaited: Awaited = NOTHING_AWAITED) -> None:
    """Write the dataset, or the shard of it that is asked for, and tell what there is."""
    from prep.dataset.again import typed

    _tell_links(source)
    split = "brings a split" if source.splits else "brings no split, so one is drawn"
    names = ", ".join(source.classes.names)
    detail(f"read {source.format}: {len(source.images):,} images, classes {names}; it {split}")
    source = replace(source, awaited=awaited)
    told = typed(typed_words())
    if options.shard:
        from prep.dataset.shards import write_shard

        counts = write_shard(source, out, options, options.shard, told).counts
        tell_shard(out, options.shard, counts)
    else:
        from prep.dataset.writer import write_dataset

        tell_dataset(out, write_dataset(source, out, options, told))


def tell_dataset(out: Path, splits: Mapping[str, SplitCounts]) -> None:
    """What each split holds, and the place."""
    result(f"{'split':7}{'groups':>8}{'images':>8}{'crops':>8}{'kept':>8}")
    for split, counts in splits.items():
        if counts.images:
            result(f"{split:7}{counts.groups:>8}{counts.images:>8}{counts.crops:>8}{counts.kept:>8}")
    result(str(out))


def tell_shard(out: Path, shard: Shard, counts: Mapping[str, int]) -> None:
    """What the shard holds, its place, and the next step where it was the last one."""
    result(f"shard {shard}: {counts['images']} images, {counts['crops']} crops, {counts['kept']} kept")
    result(str(out / shard.folder))
    done = len(done_shards(out))
    if done == shard.of:
        say(f"all {done} shards are there; next: sageseg prep merge {shlex.quote(str(out))} --out DATASET")


def _tell_links(source: Source) -> None:
    """Labels that were passed on may have links to files of whoever reads them."""
    files = (path for image in source.images for path in (image.image, image.mask.path))
    found = dict.fromkeys(path for path in files if path.is_symlink())
    links = [path for path in found if path.resolve().parent != path.parent.resolve()]
    if links:
        say(
            f"note: {len(links)} image(s) and masks are links to elsewhere, such as {links[0]}, which leads to "
            f"{links[0].resolve()}; the dataset holds what they lead to"
        )

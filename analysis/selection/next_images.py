"""Which images to label next, from predictions with probabilities: a list for `--list`, and why each was chosen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from analysis.exports.image_folder import find_images
from analysis.masks.chosen import choose_sources, write_list
from analysis.masks.reading import read_bands
from analysis.masks.sources import Source, plan_sources
from analysis.plain.placing import MASKS_OF
from analysis.selection.choice import Candidate, Choice, Chosen, FindTwin, choose, drawn_key, no_twins
from analysis.selection.labelled import held_out_groups, labelled_images, labelled_stems
from analysis.selection.uncertainty import Uncertainty, outline_reach, sum_bands, uncertainty_of
from formats.alike.alignment import soften
from formats.alike.signatures import Signatures, signatures
from formats.alike.twins import Thumbnail, Thumbnails, find_twins, thumbnail
from formats.classes import ClassTable
from formats.dataset import Dataset
from formats.disk.whole_files import write_text
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from formats.images import read_image
from formats.parallel import map_all
from formats.predictions import Predictions, probabilities_shape
from formats.prepared.groups import group_of_path
from formats.texts.csv_text import format_sheet
from formats.texts.wording import format_share

LIST, TABLE = "selected.txt", "selected.csv"
"""The names of the files inside the folder that is made."""
CLOSE = 0.03
"""A near-twin is left out where its difference is at most this share of its own contrast, the standard deviation of its
grey levels. `LIMIT`, by which prep lists candidates, is for people to look at: within it are two cars at one angle of
one studio (from 0.04 of the contrast on), and in fog or night any two."""
_COLUMNS = ("rank", "source", "score", "group", "reason")


@dataclass(frozen=True)
class Selected:
    """What was chosen among how many `candidates` of how many `groups`; of the other images that were predicted so
    many are `labelled`, and so many `held_out`: of groups that validate or test."""

    choice: Choice
    candidates: int
    groups: int
    labelled: int
    held_out: int


def select(
    predictions: Predictions,
    count: int,
    out: Path,
    *,
    labelled: Dataset | None = None,
    images: Path | None = None,
    listed: Path | None = None,
    group_by: re.Pattern[str] | None = None,
    seed: int = 0,
    overwrite: bool = False,
    workers: int | None = None,
) -> Selected:
    """Write the folder `out`: the images to label next, at most `count`, uncertain ones drawn by `seed` and spread over
    groups.

    Where `listed` names images, the choice is among these. Images of the dataset `labelled` are left out, and those of
    its groups that do not train. With `images`, the folder that was predicted, near-twins of what is chosen or labelled
    are left out too. Each image is read once, band by band. Raises SagesegError where there are no probabilities, or no
    image is left.
    """
    every = plan_sources(predictions, None)
    _check(predictions, every)
    sources = choose_sources(every, listed)
    num_classes = _num_classes(predictions, sources)
    known = labelled_stems(labelled, every) & {source.stem for source in sources} if labelled else set()
    held_out = held_out_groups(labelled) if labelled else set()
    unlabelled = [source for source in sources if source.stem not in known]
    rest = [source for source in unlabelled if _group(source, group_by) not in held_out]
    if not rest:
        of_list = f" of {listed}" if listed else ""
        raise SagesegError(
            f"{predictions.root}: none of the {len(sources)} images{of_list} is left to choose: {len(known)} are"
            f" labelled, {len(unlabelled)} are of groups that validate or test; predict others"
        )
    paths = list(find_images(rest, images)) if images else [None] * len(rest)
    look = partial(_look, predictions.root, num_classes)
    looked = list(map_all(look, list(zip(rest, paths, strict=True)), workers=workers, label="looking"))
    candidates = [
        Candidate(
            source.stem,
            source.row.source,
            _group(source, group_by),
            each.uncertainty,
            drawn_key(each.uncertainty.score, source.stem, seed),
        )
        for source, each in zip(rest, looked, strict=True)
    ]
    find_twin = _twin_finder(candidates, [each.small for each in looked], labelled, images, workers)
    choice = choose(candidates, count, find_twin)
    with staged_folder(out, overwrite=overwrite) as stage:
        write_list(stage / LIST, [each.candidate.source for each in choice.chosen])
        write_text(stage / TABLE, format_table(choice.chosen, predictions.classes))
    groups = {each.group for each in candidates}
    return Selected(choice, len(rest), len(groups), len(known), len(unlabelled) - len(rest))


def _check(predictions: Predictions, sources: Sequence[Source]) -> None:
    if sources[0].probabilities:
        return
    if "stitched" in predictions.info:
        mend = "stitch with --probabilities, or give the predictions of crops"
    else:
        facts = predictions.model
        model, of = facts.job or facts.artefact or "MODEL", predictions.info.get("predicted") or "IMAGES"
        out = "PREDICTIONS" if MASKS_OF in predictions.info else f"{predictions.root} --overwrite"
        mend = f"sageseg jobs predict {model} {of} --probabilities --out {out}"
    raise SagesegError(f"{predictions.root}: no probabilities, by which uncertain images are told; {mend}")


def _num_classes(predictions: Predictions, sources: Sequence[Source]) -> int:
    """By labels.txt; a model that knows no names has as many as its first probabilities."""
    if predictions.classes:
        return len(predictions.classes)
    return probabilities_shape(predictions.probabilities_path(sources[0].predicted[0].id))[0]


@dataclass(frozen=True)
class _Looked:
    """`small` is an image's thumbnail, where its file is known."""

    uncertainty: Uncertainty
    small: Thumbnail | None


def _look(root: Path, num_classes: int, work: tuple[Source, Path | None]) -> _Looked:
    source, path = work
    bands = read_bands(root, source, num_classes, probabilities=True)
    sums = sum_bands(bands, num_classes, outline_reach(source.width, source.height))
    return _Looked(uncertainty_of(sums), thumbnail(read_image(path)) if path else None)


def _group(source: Source, group_by: re.Pattern[str] | None) -> str:
    """What --group-by finds; else the manifest's group; else, where that is the image itself, the time block of a
    video or the folder that it lies in."""
    told, path = source.row.group, PurePosixPath(source.row.source)
    if group_by is None and told not in ("", source.stem):
        return told
    return group_of_path(path.with_suffix(""), group_by)


def _twin_finder(
    candidates: Sequence[Candidate],
    small: Sequence[Thumbnail | None],
    labelled: Dataset | None,
    images: Path | None,
    workers: int | None,
) -> FindTwin:
    """How near-twins among candidates and labelled images are found; none are without the images."""
    if images is None:
        return no_twins
    seen = labelled_images(labelled, images) if labelled else []
    theirs = list(map_all(_thumbnail_of, [path for _, path in seen], workers=workers, label="labelled"))
    thumbnails = np.stack([*theirs, *(each for each in small if each is not None)])
    names = [source for source, _ in seen] + [each.source for each in candidates]
    places = {each.stem: len(seen) + number for number, each in enumerate(candidates)}
    return partial(_find_twin, thumbnails, signatures(thumbnails), names, places)


def _thumbnail_of(path: Path) -> Thumbnail:
    return thumbnail(read_image(path))


def _find_twin(
    thumbnails: Thumbnails,
    hashes: Signatures,
    names: Sequence[str],
    places: dict[str, int],
    candidate: Candidate,
    chosen: Sequence[Candidate],
) -> str | None:
    """The labelled come first in `names`, then the candidates."""
    own, others = places[candidate.stem], range(len(names) - len(places))
    found = next(find_twins(thumbnails, hashes, [own], [*others, *(places[each.stem] for each in chosen)]), None)
    close = found is not None and found.difference <= CLOSE * float(soften(thumbnails[own]).std())
    return names[found.b] if found and close else None


def format_table(chosen: Sequence[Chosen], classes: ClassTable | None) -> str:
    """The text of selected.csv."""
    rows = [
        (
            rank,
            each.candidate.source,
            f"{each.candidate.uncertainty.score:.6f}",
            each.candidate.group,
            reason(each, classes),
        )
        for rank, each in enumerate(chosen, start=1)
    ]
    return format_sheet([_COLUMNS, *rows])


def reason(chosen: Chosen, classes: ClassTable | None) -> str:
    """Why an image was chosen, for a person."""
    unsure = chosen.candidate.uncertainty
    name = classes.names[unsure.class_id] if classes else f"class {unsure.class_id}"
    return f"{format_share(unsure.score)} in doubt, {name} most of all; number {chosen.turn} of its group"

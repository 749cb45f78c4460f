"""Which annotation of a task is taken, and which of its images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from formats.console import say
from formats.errors import SagesegError
from prep.readers.labelled_image import LeftOut, leave_out
from prep.readers.labelstudio.records import Task, Written


@dataclass(frozen=True)
class Choice:
    """Of each task that has one, the annotation that is taken."""

    taken: tuple[tuple[Task, Written], ...]
    left_out: tuple[LeftOut, ...]


def join_tasks(tasks: Iterable[Task]) -> list[Task]:
    """Tasks whose annotations stand in records of their own, as in JSON-MIN, put together."""
    joined: dict[str, Task] = {}
    for task in tasks:
        known = joined.get(task.name)
        if known and known.images != task.images:
            raise SagesegError(f"{known.where} and {task.where}: one task with two images; export it again")
        joined[task.name] = replace(known, annotations=known.annotations + task.annotations) if known else task
    return list(joined.values())


def choose(tasks: Sequence[Task], annotator: str | None, path: Path, *, use_predictions: bool) -> Choice:
    """Take the annotation marked as ground truth, else the one changed last, of those by `annotator` if one is named.
    Raises SagesegError where none is left."""
    of_annotator = [replace(task, annotations=_by(task.annotations, annotator)) for task in tasks]
    taken = tuple((task, max(task.annotations, key=_rank)) for task in of_annotator if task.annotations)
    if not taken:
        raise _nothing(tasks, annotator, path, use_predictions=use_predictions)
    several = sum(len(task.annotations) > 1 for task, _ in taken)
    if several:
        say(
            f"note: {several} task(s) have several annotations; the one marked as ground truth, else the one changed "
            "last, is taken (--annotator names whose)"
        )
    return Choice(taken, tuple(_left_out(tasks, of_annotator, annotator, use_predictions=use_predictions)))


def _by(annotations: tuple[Written, ...], annotator: str | None) -> tuple[Written, ...]:
    if annotator is None:
        return annotations
    wanted = annotator.casefold()
    return tuple(each for each in annotations if wanted in map(str.casefold, each.annotator))


def _rank(written: Written) -> tuple[bool, float, int, int]:
    return written.is_truth, written.changed, written.number, written.index


def _left_out(
    tasks: Sequence[Task], of_annotator: Sequence[Task], annotator: str | None, *, use_predictions: bool
) -> Iterable[LeftOut]:
    bare = [task.where for task in tasks if not task.annotations]
    others = [
        own.where for task, own in zip(tasks, of_annotator, strict=True) if task.annotations and not own.annotations
    ]
    older = [each.where for task in of_annotator for each in sorted(task.annotations, key=_rank)[:-1]]
    named = "predictions" if use_predictions else "annotations"
    yield from leave_out(f"tasks without {named}", bare)
    yield from leave_out(f"tasks without an annotation by {annotator}", others)
    yield from leave_out("annotations of tasks of which another is taken", older)
    yield from leave_out("annotations that were skipped", [task.where for task in tasks for _ in range(task.skipped)])
    others_read = "annotations, for predictions are read" if use_predictions else "predictions, which nobody corrected"
    yield from leave_out(others_read, [task.where for task in tasks for _ in range(task.passed_over)])


def _nothing(tasks: Sequence[Task], annotator: str | None, path: Path, *, use_predictions: bool) -> SagesegError:
    if annotator is not None:
        known = sorted({name for task in tasks for each in task.annotations for name in each.annotator})
        return SagesegError(f"{path}: no annotation by --annotator {annotator}; there are {', '.join(known) or 'none'}")
    if use_predictions:
        return SagesegError(f"{path}: {len(tasks)} task(s), none with a prediction; leave out --use-predictions")
    hint = "; --use-predictions reads its predictions" if any(task.passed_over for task in tasks) else ""
    return SagesegError(f"{path}: {len(tasks)} task(s), none with an annotation; label some, and export again{hint}")


def choose_image(tasks: Sequence[Task], image_key: str | None, image_tag: str | None, path: Path) -> str:
    """The key of the data under which a task's image stands. Raises SagesegError where none holds an image, where
    several do and none was named, and where nobody can tell which regions lie on it."""
    keys = list(dict.fromkeys(key for task in tasks for key in task.images))
    if image_key is None and len(keys) > 1:
        raise SagesegError(
            f"{tasks[0].where}: images stand under {' and '.join(keys)} of the tasks' data; name one with --image-key, "
            "and with --image-tag the <Image> of the labelling configuration that shows it"
        )
    key = image_key or next(iter(keys), "")
    without = next((task for task in tasks if key not in task.images), None)
    if without:
        raise _no_image(without, image_key)
    if (image_tag or len(keys) > 1) and any(each.key is None for task in tasks for each in task.annotations):
        raise SagesegError(f"{path}: JSON-MIN does not say on which of a task's images a region lies; export JSON")
    if image_tag is None and len(keys) > 1:
        raise SagesegError(
            f"{tasks[0].where}: several images in a task; name with --image-tag the <Image> of the labelling "
            "configuration whose regions are meant"
        )
    return key


def _no_image(task: Task, image_key: str | None) -> SagesegError:
    if image_key:
        return SagesegError(
            f"{task.where}: no text under --image-key {image_key} of its data; expected an image's address"
        )
    if task.video:
        return SagesegError(f"{task.where}: a video ({task.video}), whose labels are not read; label its frames")
    if task.pages:
        return SagesegError(f"{task.where}: {task.pages} holds a list of images; expected tasks of one image each")
    return SagesegError(
        f"{task.where}: its data names no image; expected an address that ends as an image does, or --image-key"
    )

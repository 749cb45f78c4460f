"""Which lines of a manifest count, and which of a line's labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from formats.console import say
from formats.errors import SagesegError, for_all, raise_all
from prep.readers.labelled_image import LeftOut, count_left_out
from prep.readers.manifest.lines import NORMAL, Label, Line

_KINDS = {
    "groundtruth/object-detection": "bounding boxes",
    "groundtruth/image-classification": "classes of whole images",
    "groundtruth/image-classification-multilabel": "classes of whole images",
    "groundtruth/label-verification": "verdicts on labels",
}


@dataclass(frozen=True)
class Chosen:
    """A line that counts, with the label that is meant; None for an image that is normal and has no mask."""

    line: Line
    label: Label | None


def choose(
    lines: Sequence[Line], where: str, *, job: str | None, leave_out: Collection[str]
) -> tuple[list[Chosen], tuple[LeftOut, ...]]:
    """The lines that count and those that are left out. `job` is what --job says, `leave_out` the verdicts of
    verification jobs by which images are left out.

    Raises SagesegError where no line has a mask, where a line has several and nobody says which is meant, and for two
    lines of one image.
    """
    _check_masks(lines, where, job)
    reasons: dict[str, list[str]] = {}
    chosen: list[Chosen] = []
    verdicts: Counter[str] = Counter()

    def take(line: Line) -> None:
        place = f"{where}: line {line.number}"
        label = _label(line, place, job)
        said = _verdicts(line, label)
        verdicts.update(said)
        if label is None and (line.labels or line.image_class != NORMAL):
            why = f" ({line.failures[0]})" if line.failures else ""
            reasons.setdefault(_why_not(line, job), []).append(place + why)
        elif bad := next((word for word in said if word in leave_out), None):
            reasons.setdefault(f"images whose labels a verification job called {bad}", []).append(place)
        else:
            chosen.append(Chosen(line, label))

    for_all(take, lines)
    _check_verdicts(verdicts, leave_out)
    _check_twice(chosen, where)
    if not any(one.label for one in chosen):
        raise SagesegError(f"{where}: no image with a mask is left; {_told(reasons)}")
    _tell(chosen, verdicts, leave_out, where)
    return chosen, count_left_out((reason, place) for reason, own in reasons.items() for place in own)


def _why_not(line: Line, job: str | None) -> str:
    if line.labels:
        return f"lines that {job} has not labelled"
    if line.failures:
        return "lines whose labelling failed"
    return f"images called {line.image_class} that have no mask" if line.image_class else "lines that nobody labelled"


def _label(line: Line, place: str, job: str | None) -> Label | None:
    """The label that is meant: that of the job which was asked for, the only one, or the newest if it adjusts the
    others."""
    if job:
        named = _named(line.labels, job)
        if len(named) > 1:
            raise SagesegError(f"{place}: {job} is {named[0].attribute} and {named[1].attribute}; name one of these")
        return named[0] if named else None
    if len(line.labels) < 2:
        return line.labels[0] if line.labels else None
    newest = _newest(line.labels)
    if newest is None or not newest.adjusts:
        jobs = " and ".join(f"{label.attribute} ({_date(label)})" for label in line.labels)
        raise SagesegError(
            f"{place}: masks of {len(line.labels)} jobs, {jobs}, and the newest is not known to adjust the others; say "
            "which is meant with --job NAME"
        )
    return newest


def _newest(labels: Sequence[Label]) -> Label | None:
    """The label that was made last; None where that cannot be told."""
    times = [label.made for label in labels if label.made]
    if len(times) < len(labels) or times.count(max(times)) > 1:
        return None
    return labels[times.index(max(times))]


def _date(label: Label) -> str:
    return f"{label.made:%Y-%m-%d}" if label.made else "no date"


def _named(labels: Sequence[Label], job: str) -> list[Label]:
    """The labels at this attribute, with or without -ref; else those that a job of this name made."""
    at_key = [label for label in labels if job in (label.attribute, label.attribute.removesuffix("-ref"))]
    return at_key or [label for label in labels if label.job == job]


def _verdicts(line: Line, label: Label | None) -> list[str]:
    """The verdicts on a label: those from before it was made are on another."""
    if label is None:
        return []
    return [v.word for v in line.verdicts if v.made is None or label.made is None or v.made >= label.made]


def _check_masks(lines: Sequence[Line], where: str, job: str | None) -> None:
    labels = [label for line in lines for label in line.labels]
    if not lines:
        raise SagesegError(f"{where}: empty; expected an augmented manifest, one JSON object per line")
    if job and labels and not _named(labels, job):
        there = ", ".join(sorted({label.attribute for label in labels}))
        raise SagesegError(f"--job {job}: no such job in {where}; expected one of {there}")
    if labels:
        return
    others = Counter(other for line in lines for other in line.others)
    if not others:
        raise SagesegError(
            f"{where}: no line has a label with its metadata (<job>-ref and <job>-ref-metadata); expected the output "
            "manifest of a semantic segmentation job. Masks of class ids need none: sageseg prep channels"
        )
    (attribute, kind), count = others.most_common(1)[0]
    raise SagesegError(
        f"{where}: {_KINDS.get(kind, kind)} ({attribute}, {count} line(s)) and no masks; expected the output manifest "
        "of a semantic segmentation job"
    )


def _check_verdicts(found: Collection[str], asked: Collection[str]) -> None:
    for word in asked:
        if word not in found:
            there = ", ".join(sorted(found)) or "no verification job"
            raise SagesegError(f"--leave-out {word}: no label has this verdict; there is {there}")


def _check_twice(chosen: Iterable[Chosen], where: str) -> None:
    numbers: dict[str, int] = {}
    twice = [each for one in chosen if numbers.setdefault((each := one.line).source, each.number) != each.number]
    raise_all(
        SagesegError(
            f"{where}: lines {numbers[line.source]} and {line.number} both label {line.source}; remove one of them"
        )
        for line in twice
    )


def _told(reasons: dict[str, list[str]]) -> str:
    return "left out: " + "; ".join(f"{len(places)} {reason}" for reason, places in reasons.items())


def _tell(chosen: Sequence[Chosen], verdicts: Counter[str], leave_out: Collection[str], where: str) -> None:
    jobs = Counter(one.label.attribute for one in chosen if one.label)
    if len(jobs) > 1 or any(len(one.line.labels) > 1 for one in chosen):
        told = ", ".join(f"{attribute} for {count} image(s)" for attribute, count in jobs.items())
        say(f"note: {where}: masks of {told}; --job NAME takes those of one job")
    kept = {word: count for word, count in verdicts.items() if word not in leave_out}
    if kept:
        said = ", ".join(f"{word} of {count} image(s)" for word, count in sorted(kept.items()))
        say(f"note: {where}: a verification job said {said}, which stay; --leave-out VERDICT leaves out")
    normal = [one for one in chosen if one.label is None]
    if normal:
        say(
            f"note: {where}: {len(normal)} image(s) without a mask are called {NORMAL}, such as "
            f"{normal[0].line.source}: all of them is background"
        )

"""What a tuning job varies: from what was typed, and what the algorithm allows, to settled ranges. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from formats.errors import SagesegError
from jobs.contract.hyperparameter_limits import Tunable
from jobs.contract.hyperparameters import KINDS, TABLE, TUNABLE, limits_of
from jobs.contract.tuning_request import check_range, documented_range, format_bounds


def parse_range(text: str) -> tuple[str, Tunable]:
    """`learning_rate=1e-4:1e-1`, `optimizer=sgd,adam`, or a name alone for the documented range.

    Numbers are scaled as the hyperparameter's documented range is. Names may be written as the options
    are, with hyphens. Raises SagesegError for what a tuning job may not vary, or not so.
    """
    name, given, values = text.partition("=")
    name = name.strip().replace("-", "_")
    documented = documented_range(name)
    tunable = _parse_values(text, name, values, documented) if given else documented
    check_range(name, tunable)
    return name, tunable


def _parse_values(text: str, name: str, values: str, documented: Tunable) -> Tunable:
    if documented.choices:
        return Tunable(choices=tuple(dict.fromkeys(value.strip() for value in values.split(","))))
    low, _, high = values.partition(":")
    try:
        return replace(documented, low=float(low), high=float(high))
    except ValueError as e:
        raise SagesegError(f"--range {text}: expected two numbers, such as {name}={format_bounds(documented)}") from e


def settle_ranges(
    texts: Sequence[str], typed: Mapping[str, str], lent: Mapping[str, str], samples: int
) -> dict[str, Tunable]:
    """What varies. Without texts: all documented ranges of what is not typed as an option and acts
    under the optimizer, which itself stays what it is.

    `typed` are hyperparameters given as options, `lent` those of an earlier job; `samples` is the
    number of training images, which no batch may exceed. Raises SagesegError for ranges that
    contradict each other or the options, or that would have no effect.
    """
    settings = {**lent, **typed}
    if texts:
        ranges = _typed_ranges([parse_range(text) for text in texts], typed, settings)
    else:
        optimizers = _optimizers({}, settings)
        varied = [name for name in TUNABLE if name not in typed and name != "optimizer" and _acts(name, optimizers)]
        ranges = {name: TUNABLE[name] for name in varied}
    ranges = _within_samples(ranges, samples)
    if not ranges:
        raise SagesegError(f"nothing is left to vary; leave an option out, or name a --range: {', '.join(TUNABLE)}")
    return ranges


def _typed_ranges(
    pairs: Sequence[tuple[str, Tunable]], typed: Mapping[str, str], settings: Mapping[str, str]
) -> dict[str, Tunable]:
    ranges = dict(pairs)
    names = [name for name, _ in pairs]
    optimizers = _optimizers(ranges, settings)
    for name in names:
        if names.count(name) > 1:
            raise SagesegError(f"--range {name}: given twice; give one range")
        if name in typed:
            option = f"--{name.replace('_', '-')} {typed[name]}"
            raise SagesegError(f"--range {name}: {option} is given too; leave one of them out")
        if not _acts(name, optimizers):
            raise SagesegError(
                f"--range {name}: has no effect with optimizer {' or '.join(optimizers)}; leave it out, "
                "or choose optimizer sgd"
            )
    return ranges


def _optimizers(ranges: Mapping[str, Tunable], settings: Mapping[str, str]) -> tuple[str, ...]:
    """The optimizers that jobs may get."""
    if "optimizer" in ranges:
        return ranges["optimizer"].choices
    return (settings.get("optimizer", str(TABLE["optimizer"].default)),)


def _acts(name: str, optimizers: Sequence[str]) -> bool:
    """Whether a hyperparameter counts in some job; every condition of a tunable one is the optimizer."""
    condition = limits_of(name).only_with
    return condition is None or any(optimizer in condition[1] for optimizer in optimizers)


def _within_samples(ranges: Mapping[str, Tunable], samples: int) -> dict[str, Tunable]:
    """No batch larger than the training images: the documented range is shortened, another refused."""
    batch = ranges.get("mini_batch_size")
    if batch is None or batch.high <= samples:
        return dict(ranges)
    if batch != TUNABLE["mini_batch_size"]:
        raise SagesegError(
            f"--range mini_batch_size={format_bounds(batch)}: over the {samples} training images; "
            f"expected at most {samples}"
        )
    others = {name: tunable for name, tunable in ranges.items() if name != "mini_batch_size"}
    return {**others, "mini_batch_size": replace(batch, high=samples)} if samples > batch.low else others


def notes_on(ranges: Mapping[str, Tunable]) -> list[str]:
    """One sentence per range that counts in a part of the jobs only."""
    optimizers = ranges["optimizer"].choices if "optimizer" in ranges else ()
    notes = []
    for name in ranges:
        condition = limits_of(name).only_with
        idle = [optimizer for optimizer in optimizers if condition and optimizer not in condition[1]]
        if idle:
            notes.append(f"{name} has no effect in the jobs that get optimizer {' or '.join(idle)}")
    return notes


def describe_ranges(ranges: Mapping[str, Tunable]) -> str:
    """`learning_rate 0.0001 to 0.1, logarithmic; optimizer sgd, adam`."""
    return "; ".join(f"{name} {tunable.describe()}" for name, tunable in ranges.items())


def example(name: str, tunable: Tunable) -> str:
    """A value that some job may get: the largest number; the default where it is among the choices,
    since other ranges may act with it alone."""
    if tunable.choices:
        default = str(TABLE[name].default)
        return default if default in tunable.choices else tunable.choices[0]
    return f"{tunable.high:.0f}" if KINDS[name] is int else f"{tunable.high:.12g}"


def combinations(ranges: Mapping[str, Tunable]) -> float:
    """How many different jobs there can be; infinite where a number is not whole."""
    counts = [
        len(tunable.choices) if tunable.choices else tunable.high - tunable.low + 1 if KINDS[name] is int else math.inf
        for name, tunable in ranges.items()
    ]
    return math.prod(counts)

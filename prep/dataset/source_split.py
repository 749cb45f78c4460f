"""What the lists that a source brings along and the options of the split mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from formats.console import say
from formats.errors import SagesegError
from prep.options import DEFAULT_VAL, PrepOptions
from prep.readers.labelled_image import Source


def settle_split(source: Source, options: PrepOptions) -> PrepOptions:
    """The options with what `val` and `test` are where lists are the split: only what they lack is drawn, and only if
    it is asked for.

    Raises SagesegError where the source's lists give no split, and nobody asked for one.
    """
    asked = options.val is not None or options.test > 0 or options.split_file is not None
    if source.undecided and not asked:
        raise SagesegError(
            f"{source.undecided}; mend the lists, or pass --val {DEFAULT_VAL} to draw a split, or --split-file"
        )
    listed = set(source.splits.values())
    if not listed:
        return replace(options, val=DEFAULT_VAL if options.val is None else options.val)
    without_effect = [name for name in ("val", "test") if name in listed and getattr(options, name)]
    for name in without_effect:
        say(f"note: --{name} has no effect: the source's lists say which images are {name}")
    if "val" not in listed and not options.val:
        say(f"note: the source's lists name no image of val; pass --val {DEFAULT_VAL} to draw it from those of train")
    return replace(
        options,
        val=0.0 if "val" in listed or options.val is None else options.val,
        test=0.0 if "test" in listed else options.test,
    )


def fixed_groups(brought: Mapping[str, str], options: PrepOptions) -> dict[str, str]:
    """The groups whose split the lists decide; those of train may be drawn from for a split that the lists lack. The
    options are those that `settle_split` gave."""
    if not (options.val or options.test):
        return dict(brought)
    return {group: split for group, split in brought.items() if split != "train"}

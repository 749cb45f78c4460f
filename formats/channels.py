"""The channels in which a dataset travels to a training: which carries what, by their folders' names."""

from __future__ import annotations

CHANNELS = {"train": "train", "val": "validation"}
"""The channel that carries the images of a split."""


def masks_channel(channel: str) -> str:
    """The channel that carries the masks of a channel's images."""
    return f"{channel}_annotation"

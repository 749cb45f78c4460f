"""The channels of a training job: their names and content types."""

from __future__ import annotations

from formats.channels import CHANNELS, masks_channel

CONTENT_TYPES = {
    **dict.fromkeys(CHANNELS.values(), "image/jpeg"),
    **dict.fromkeys(map(masks_channel, CHANNELS.values()), "image/png"),
}
"""The four channels that the algorithm requires."""
MANIFEST_ATTRIBUTES = ("source-ref", "segmentation-ref")
"""What a line of an augmented manifest names, in the order in which the algorithm reads it."""
VALIDATION_SOURCES = ("validation", "train")
PRETRAINED = "pretrained"
"""The channel of ImageNet weights, which our own image alone knows."""

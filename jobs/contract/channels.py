"""The channels of a training job: their names, content types and attributes."""

from __future__ import annotations

CONTENT_TYPES = {
    "train": "image/jpeg",
    "validation": "image/jpeg",
    "train_annotation": "image/png",
    "validation_annotation": "image/png",
}
"""The four channels that the algorithm requires."""
MANIFEST_ATTRIBUTES = ("source-ref", "segmentation-ref")
"""What a line of an augmented manifest names, in the order in which the algorithm reads it."""
VALIDATION_SOURCES = ("validation", "train")
PRETRAINED = "pretrained"
"""The channel of ImageNet weights, which our own image alone knows."""
EMULATED = "SAGESEG_EMULATED"
"""Set where the emulator stands for SageMaker: its instance types are names only."""

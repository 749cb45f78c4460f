"""The channels of a training job: their names, their content types, and the files of `pretrained`, the
one that our own image alone knows.

timm publishes the ImageNet weights of GluonCV's ResNets on the Hugging Face hub, one model for each backbone.
"""

from __future__ import annotations

from pathlib import Path

from formats.channels import CHANNELS, masks_channel
from formats.errors import SagesegError

CONTENT_TYPES = {
    **dict.fromkeys(CHANNELS.values(), "image/jpeg"),
    **dict.fromkeys(map(masks_channel, CHANNELS.values()), "image/png"),
}
"""The four channels that the algorithm requires."""
MANIFEST_ATTRIBUTES = ("source-ref", "segmentation-ref")
"""What a line of an augmented manifest names, in the order in which the algorithm reads it."""
VALIDATION_SOURCES = ("validation", "train")
PRETRAINED = "pretrained"
"""The channel of ImageNet weights."""
TIMM_MODELS = {"resnet-50": "resnet50s.gluon_in1k", "resnet-101": "resnet101s.gluon_in1k"}
"""timm's names by the hyperparameter `backbone`."""
WEIGHTS_FILE = "model.safetensors"
"""What the Hugging Face hub calls each of them."""


def weights_names(backbone: str) -> tuple[str, str]:
    """The names under which a folder may hold a backbone's weights: timm's, and the hub's."""
    return f"{TIMM_MODELS[backbone]}.safetensors", WEIGHTS_FILE


def find_weights(folder: Path, backbone: str) -> Path:
    """The file of a backbone's weights in a folder such as the `pretrained` channel; timm's name goes
    before the hub's. Raises SagesegError where neither is there."""
    names = weights_names(backbone)
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise SagesegError(f"{folder}: holds neither {' nor '.join(names)}; expected the weights of {backbone} there")
    return found[0]

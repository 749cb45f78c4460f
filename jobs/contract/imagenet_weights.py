"""The ImageNet weights that a user names for a job under our own image: files' names, and the channel.

timm publishes those of GluonCV's ResNets on the Hugging Face hub, one model for each backbone.
"""

from __future__ import annotations

from pathlib import Path

from formats.errors import SagesegError

MODELS = {"resnet-50": "resnet50s.gluon_in1k", "resnet-101": "resnet101s.gluon_in1k"}
"""timm's names by the hyperparameter `backbone`."""
WEIGHTS_FILE = "model.safetensors"
"""What the Hugging Face hub calls each of them."""


def weights_names(backbone: str) -> tuple[str, str]:
    """The names under which a folder may hold a backbone's weights: timm's, and the hub's."""
    return f"{MODELS[backbone]}.safetensors", WEIGHTS_FILE


def find_weights(folder: Path, backbone: str) -> Path:
    """The file of a backbone's weights in a folder such as the `pretrained` channel; timm's name goes
    before the hub's. Raises SagesegError where neither is there."""
    names = weights_names(backbone)
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise SagesegError(f"{folder}: holds neither {' nor '.join(names)}; expected the weights of {backbone} there")
    return found[0]

"""ImageNet weights for the encoder: those of GluonCV's ResNet v1s, as timm publishes them.

They come from the Hugging Face hub through its cache, or from a file that the environment variable
SAGESEG_PRETRAINED names; never are they left out silently.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from formats.errors import SagesegError

VARIABLE = "SAGESEG_PRETRAINED"
"""A safetensors file, or a folder with one per backbone under the model's name."""
MODELS = {"resnet-50": "resnet50s.gluon_in1k", "resnet-101": "resnet101s.gluon_in1k"}
"""timm's names by the hyperparameter `backbone`; timm and GluonCV name the layers alike."""
_FILE = "model.safetensors"
_CLASSIFIER = "fc."
_HEADS = ("head.", "auxlayer.")
_COUNT = "num_batches_tracked"


def load_pretrained(network: nn.Module, backbone: str) -> Path:
    """Give a network's encoder its ImageNet weights; returns their file. In the hub's cache its
    folder is named after the revision that was taken.

    Raises SagesegError when they cannot be had, or are not those of this encoder; the network is
    then as it was.
    """
    path = find_pretrained(backbone)
    copy_encoder(network, _read(path), path)
    return path


def find_pretrained(backbone: str) -> Path:
    """The file that the user names, or else the hub's, from its cache or fetched now."""
    model, named = MODELS[backbone], os.environ.get(VARIABLE)
    if not named:
        return _from_hub(model)
    path = Path(named) / f"{model}.safetensors" if Path(named).is_dir() else Path(named)
    if not path.is_file():
        raise SagesegError(f"{path}: not found; {VARIABLE} must name the safetensors file of timm's {model}")
    return path


def _from_hub(model: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(hf_hub_download(f"timm/{model}", _FILE))
    except (HfHubHTTPError, OSError, ValueError) as e:
        raise SagesegError(
            f"use_pretrained_model True: the ImageNet weights timm/{model} cannot be had from the Hugging Face hub "
            f"({type(e).__name__}); let {VARIABLE} name their {_FILE}, or pass --use-pretrained-model False"
        ) from e


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read as safetensors ({e}); get it again") from e


@torch.no_grad()
def copy_encoder(network: nn.Module, weights: Mapping[str, torch.Tensor], source: Path) -> None:
    """Copy weights by timm's names into the encoder; the classifier over ImageNet is left out."""
    own = {n: t for n, t in network.state_dict().items() if not n.startswith(_HEADS) and not n.endswith(_COUNT)}
    given = {n: t for n, t in weights.items() if not n.startswith(_CLASSIFIER) and not n.endswith(_COUNT)}
    for name in [*own, *given]:
        if name not in given or name not in own:
            problem = "missing" if name in own else "not known"
            raise SagesegError(f"{source}: parameter {name} is {problem}; expected the weights of this very backbone")
        if given[name].shape != own[name].shape:
            found, wanted = tuple(given[name].shape), tuple(own[name].shape)
            raise SagesegError(f"{source}: parameter {name} has shape {found}, expected {wanted}; wrong backbone?")
    for name, tensor in own.items():
        tensor.copy_(given[name])

"""ImageNet weights for the encoder: those of GluonCV's ResNet v1s, as timm publishes them.

They come from the channel `pretrained` where the job has one, else from a file that the environment
variable SAGESEG_PRETRAINED names, else from the Hugging Face hub through its cache; never are they
left out silently.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from formats.errors import SagesegError
from jobs.contract.channels import TIMM_MODELS, WEIGHTS_FILE, find_weights

VARIABLE = "SAGESEG_PRETRAINED"
"""A safetensors file, or a folder with one per backbone under the model's name."""
_CLASSIFIER = "fc."
_HEADS = ("head.", "auxlayer.")
_COUNT = "num_batches_tracked"


def load_pretrained(network: nn.Module, backbone: str, channel: Path | None = None) -> Path:
    """Give a network's encoder its ImageNet weights; returns their file. In the hub's cache its
    folder is named after the revision that was taken. `channel` is the job's folder of weights.

    Raises SagesegError when they cannot be had, or are not those of this encoder; the network is
    then as it was.
    """
    path = find_pretrained(backbone, channel)
    copy_encoder(network, _read(path), path)
    return path


def find_pretrained(backbone: str, channel: Path | None = None) -> Path:
    """The channel's file, else the one that the user names, else the hub's, from its cache or fetched
    now."""
    if channel:
        return find_weights(channel, backbone)
    model, named = TIMM_MODELS[backbone], os.environ.get(VARIABLE)
    if not named:
        return _from_hub(model)
    path = Path(named) / f"{model}.safetensors" if Path(named).is_dir() else Path(named)
    if not path.is_file():
        raise SagesegError(f"{path}: not found; {VARIABLE} must name the safetensors file of timm's {model}")
    return path


def _from_hub(model: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(f"timm/{model}", WEIGHTS_FILE))
    except _hub_errors() as e:
        raise SagesegError(
            f"use_pretrained_model True: the ImageNet weights timm/{model} cannot be had from the Hugging Face hub "
            f"({type(e).__name__}); let {VARIABLE} name their {WEIGHTS_FILE}, pass --pretrained (docs/algorithm.md), "
            "or --use-pretrained-model False"
        ) from e


def _hub_errors() -> tuple[type[Exception], ...]:
    """What the hub's client raises for a file that cannot be had. A download that breaks off shows as
    an error of the library under it, which is requests, httpx or httpx2 by the client's version: its
    own error derives from that library's. hf_xet, which may fetch the bytes, raises Python's."""
    from huggingface_hub.errors import HfHubHTTPError

    derived = (kind for kind in HfHubHTTPError.__mro__ if issubclass(kind, Exception) and kind is not Exception)
    return (*derived, OSError, ValueError, RuntimeError)


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as e:
        raise SagesegError(f"{path}: cannot be read as safetensors ({e}); get it again") from e


@torch.no_grad()
def copy_encoder(network: nn.Module, weights: Mapping[str, torch.Tensor], source: Path) -> None:
    """Copy weights by timm's names, which are GluonCV's, into the encoder; the classifier over
    ImageNet is left out."""
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

"""The names under which mxnet's ways of saving a network write its parameters.

`save_parameters` writes `layer1.0.conv1.weight`, the names that our networks have too. Wrappers put
`module.` before them. `export`, `collect_params().save` and older versions write flat names such as
`fcn0_resnetv1s_layers1_conv0_weight`: the network, a scope, a layer counted within the scope, and
what it is of the layer.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_WRAPPERS = re.compile(r"^(module\.)?(pretrained\.)?")
ENCODER = "resnetv1s_"
_NORM = ("gamma", "beta", "running_mean", "running_var")
_SCOPES = (
    (r"layer(\d)\.\d+\.downsample", ENCODER + r"down\1_"),
    (r"layer(\d)", ENCODER + r"layers\1_"),
    (r"conv1|bn1", ENCODER),
    *((rf"head\.psp\.conv{n + 1}", f"_pyramidpooling0_hybridsequential{n}_") for n in range(4)),
    (r"head\.aspp\.concurent\.(\d)", r"_deeplabhead0_hybridsequential\1_"),
    (r"head\.aspp\.project", "_deeplabhead0_hybridsequential5_"),
)
"""Scopes of GluonCV's `FCN`, `PSPNet` and `DeepLabV3`, by the path of what lies in them."""
_FCN_HEAD = "_fcnhead{}_hybridsequential0_"


def network_names(found: Collection[str], own: Collection[str]) -> dict[str, str]:
    """For each name found in a file, the network's own name; one that fits none stays as it is.

    `own` are the network's names in their order.
    """
    if any("." in name for name in found):
        return {name: _WRAPPERS.sub("", name) for name in found}
    root = min((name.partition(ENCODER)[0] for name in found if ENCODER in name), default="")
    flat = flat_names(own)
    return {name: flat.get(name.removeprefix(root).replace("syncbatchnorm", "batchnorm"), name) for name in found}


def flat_names(own: Collection[str]) -> dict[str, str]:
    """The network's names by the flat ones, which here lack the network itself (`fcn0_`)."""
    scopes = _scopes(own)
    layers: dict[str, dict[str, int]] = {}
    flat = {}
    for name in own:
        path, _, leaf = name.rpartition(".")
        kind = _scope(path, scopes) + ("batchnorm" if leaf in _NORM else "conv")
        numbers = layers.setdefault(kind, {})
        flat[f"{kind}{numbers.setdefault(path, len(numbers))}_{leaf}"] = name
    return flat


def _scopes(own: Collection[str]) -> tuple[tuple[str, str], ...]:
    """All scopes of a network; those of its last layers depend on which decoder it has."""
    head, auxiliary = _FCN_HEAD.format(0), _FCN_HEAD.format(1)
    for decoder, scope in (("head.psp.", "_psphead0_"), ("head.aspp.", "_deeplabhead0_")):
        if any(name.startswith(decoder) for name in own):
            head, auxiliary = scope, _FCN_HEAD.format(0)
    return (*_SCOPES, (r"head\.block", head), (r"auxlayer\.block", auxiliary))


def _scope(path: str, scopes: tuple[tuple[str, str], ...]) -> str:
    for pattern, scope in scopes:
        if found := re.match(rf"(?:{pattern})\b", path):
            return found.expand(scope)
    return ""

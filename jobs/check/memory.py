"""How much GPU memory a training is likely to need. Inferred: nobody has measured the built-in's.

A training keeps what its layers put out until the gradients are known. Counted are the outputs of
all convolutions and of the normalisation after each (ReLU works in place), in float32, per pixel of
the crops; then weights, gradients and momentum; then a flat sum for the GPU's own context and
workspace. One real case agrees: 512 × 512 crops of 14 classes ran out of memory on ml.p3.2xlarge
(16 GiB) and trained on ml.p3.8xlarge (4 × 16 GiB).
"""

from __future__ import annotations

GIB = 2**30
_BYTES = 4
_CONVOLUTIONS = {"resnet-50": 562, "resnet-101": 970}
"""Values that all convolutions put out per pixel of the crop, with FCN's two heads: channels over
the square of the stride, summed over the layers."""
_DECODER = {"fcn": 0, "psp": 96, "deeplab": 56}
"""What the decoder adds: psp's upsampled pyramid beside the features, deeplab's five branches."""
_POOLED_STEM = 8
_PER_CLASS = 4
"""Two heads, each with upsampled scores and their log-softmax, at full size."""
_PARAMETERS = {
    ("fcn", "resnet-50"): 35.4e6,
    ("fcn", "resnet-101"): 54.4e6,
    ("psp", "resnet-50"): 49.1e6,
    ("psp", "resnet-101"): 68.1e6,
    ("deeplab", "resnet-50"): 42.1e6,
    ("deeplab", "resnet-101"): 61.1e6,
}
_COPIES = 3
_CONTEXT_GIB = 1.0


def estimate_gib(algorithm: str, backbone: str, num_classes: int, crop_size: int, batch: int, gpus: int) -> float:
    """The memory in GiB that each GPU is likely to need for square crops of `crop_size` pixels a side, a
    multiple of 8. `batch` is shared out over the GPUs."""
    values = 2 * _CONVOLUTIONS[backbone] + _DECODER[algorithm] + _POOLED_STEM + _PER_CLASS * num_classes
    activations = -(-batch // gpus) * crop_size**2 * values * _BYTES
    weights = _PARAMETERS[algorithm, backbone] * _BYTES * _COPIES
    return (activations + weights) / GIB + _CONTEXT_GIB

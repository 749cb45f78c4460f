"""How much GPU memory a training is likely to need. Inferred: nobody has measured it on a GPU.

A training keeps what its layers put out until the gradients are known. Of the built-in's networks
are counted the outputs of all convolutions and of the normalisation after each (ReLU works in
place), in float32, per pixel of the crops; then weights, gradients and momentum; then a flat sum for
the GPU's own context and workspace. One real case agrees: 512 × 512 crops of 14 classes ran out of
memory on ml.p3.2xlarge (16 GiB) and trained on ml.p3.8xlarge (4 × 16 GiB).

Of unet all that is alive at once in a training step was measured on a processor. Its layers keep so
little that the workspace of a single convolution can be more: cuDNN's GEMM algorithm writes each
pixel's neighbourhood out into a matrix. That of the widest convolution is added, so that the figure
is what a step may take, not the least that it takes.
"""

from __future__ import annotations

from jobs.contract.hyperparameters import Hyperparameters

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
_UNET_LEAST, _UNET_LAYERS, _UNET_PER_CLASS = 67.5, 57.5, 4
"""Values alive at once per pixel of the crop: at least, while the last layers' gradients are computed;
else while the scores' are, those of the layers and of each class."""
_OVERLAP, _OVERLAP_PER_CLASS = 4.25, 3
"""What a Dice or Jaccard loss adds to the scores'."""
_UNET_WORKSPACE = 72
"""3 × 3 places of 32 channels, at half the crop's side."""
_UNET_PARAMETERS = 0.75e6
USABLE = 0.91
"""The share of a GPU's memory that programs get: 14.56 to 14.76 GiB of a T4's 16 (messages in public issues)."""
_COPIES = 3
_CONTEXT_GIB = 1.0


def estimate_gib(settings: Hyperparameters, num_classes: int, gpus: int) -> float:
    """The memory in GiB that each GPU is likely to need; of unet, may need. The batch is shared out over the GPUs."""
    images = images_at_once(settings, gpus)
    if settings.algorithm == "unet":
        values, parameters = unet_values(num_classes, settings.loss) + _UNET_WORKSPACE, _UNET_PARAMETERS
    else:
        values = 2 * _CONVOLUTIONS[settings.backbone] + _DECODER[settings.algorithm] + _POOLED_STEM
        values += _PER_CLASS * num_classes
        parameters = _PARAMETERS[settings.algorithm, settings.backbone]
    activations = images * settings.rounded_crop_size**2 * values * _BYTES
    return (activations + parameters * _BYTES * _COPIES) / GIB + _CONTEXT_GIB


def unet_values(num_classes: int, loss: str) -> float:
    """How many float32 values a training step of unet holds at once, per pixel of the crops."""
    scores = _UNET_LAYERS + _UNET_PER_CLASS * num_classes
    overlap = 0.0 if loss == "cross-entropy" else _OVERLAP + _OVERLAP_PER_CLASS * num_classes
    return max(_UNET_LEAST, scores + overlap)


def images_at_once(settings: Hyperparameters, gpus: int) -> int:
    """The most images of a batch that pass the network of one GPU together."""
    parts = settings.gradient_accumulation if settings.algorithm == "unet" else 1
    return -(-settings.mini_batch_size // (gpus * parts))

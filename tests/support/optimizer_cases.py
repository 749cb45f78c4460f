"""The steps on which our optimizers and schedules are compared with mxnet's and GluonCV's.

Needs numpy and nothing else of ours: `oracles/mxnet_optimizers.py` imports it too, in mxnet's
environment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.support.golden_formulas import uniform

LEARNING_RATE = 0.05
EPOCHS, STEPS_PER_EPOCH = 4, 5
STEPS = EPOCHS * STEPS_PER_EPOCH + 2
"""Two more than are planned, as when there are more images than num_training_samples says."""
OPTIMIZERS: dict[str, dict[str, object]] = {
    "sgd": {"momentum": 0.8, "wd": 0.01},
    "nag": {"momentum": 0.9},
    "adam": {},
    "adagrad": {},
    "rmsprop": {"gamma1": 0.7, "gamma2": 0.6, "centered": True},
}
"""mxnet's options; what is not given is its default."""
SCHEDULES: dict[str, dict[str, object]] = {
    "poly": {},
    "cosine": {},
    "step": {"step_epoch": [1, 3], "step_factor": 0.3},
}
SHAPE = (3, 4)


def start_values() -> npt.NDArray[np.float32]:
    return uniform("start", SHAPE)


def gradient_values(step: int) -> npt.NDArray[np.float32]:
    """Of a step, counted from 0; of very different sizes, so that every epsilon matters."""
    return uniform(f"gradient {step}", SHAPE) * np.float32(10.0) ** np.arange(-6, 2, 2, dtype=np.float32)

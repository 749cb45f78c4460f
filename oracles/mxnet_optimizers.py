"""Write the golden file of mxnet's optimizers under GluonCV's schedules, step by step.

    make oracles

runs this in an environment of its own, which holds what `oracles/mxnet_requirements.txt` names.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import mxnet as mx
import numpy as np
from gluoncv.utils import LRScheduler

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from tests.support.optimizer_cases import (  # noqa: E402
    EPOCHS,
    LEARNING_RATE,
    OPTIMIZERS,
    SCHEDULES,
    STEPS,
    STEPS_PER_EPOCH,
    gradient_values,
    start_values,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "tests/data/golden")
    golden = {}
    for schedule, options in SCHEDULES.items():
        for optimizer in OPTIMIZERS:
            rates, weights = trained(optimizer, OPTIMIZERS[optimizer], schedule, options)
            golden[f"{schedule}/rates"] = rates
            golden[f"{schedule}/{optimizer}"] = weights
    np.savez(parser.parse_args().out / "mxnet-optimizers.npz", **golden)
    sys.stderr.write(f"mxnet {mx.__version__}: {', '.join(OPTIMIZERS)} under {', '.join(SCHEDULES)}\n")


def trained(
    name: str, settings: dict[str, object], schedule: str, options: dict[str, object]
) -> tuple[np.ndarray, np.ndarray]:
    """The rate and the weight of each step. Settings that are not given are mxnet's defaults."""
    scheduler = LRScheduler(
        schedule, base_lr=LEARNING_RATE, nepochs=EPOCHS, iters_per_epoch=STEPS_PER_EPOCH, power=0.9, **options
    )
    optimizer = mx.optimizer.create(name, learning_rate=LEARNING_RATE, lr_scheduler=scheduler, **settings)
    weight, rates, weights = mx.nd.array(start_values()), [], []
    state = optimizer.create_state(0, weight)
    for step in range(STEPS):
        optimizer.update(0, weight, mx.nd.array(gradient_values(step)), state)
        rates.append(scheduler.learning_rate)
        weights.append(weight.asnumpy())
    return np.array(rates), np.stack(weights)


if __name__ == "__main__":
    main()

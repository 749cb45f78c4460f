"""Tests of the processor and of a GPU alike.

SAGESEG_TEST_GPU=1 pytest -m skipif tests/algorithm

runs those that need a GPU, which all others do not see.
"""

from __future__ import annotations

import pytest
import torch

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="shows on a GPU alone: SAGESEG_TEST_GPU=1")
BOTH = ["cpu", pytest.param("cuda", marks=needs_gpu)]
"""Parameters of a test that holds on either."""


def use_device(kind: str, patch: pytest.MonkeyPatch) -> None:
    """Let trainings and predictors of this process and of those that it starts compute there."""
    if kind == "cpu":
        patch.setattr(torch.cuda, "is_available", lambda: False)
        patch.setattr(torch.cuda, "device_count", lambda: 0)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")

"""Whether a model fits into a serverless container: what our serving program takes of memory, as measured."""

from __future__ import annotations

from jobs.tracking.trained_model import TrainedModel


def check_memory(trained: TrainedModel, memory_mb: int) -> None:
    """TODO"""

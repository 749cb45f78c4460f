"""The steps of a training: on a GPU as one CUDA graph, elsewhere operation by operation.

Launching a step from Python takes longer than a fast GPU needs for it. So the first steps are taken plainly, then
a batch's way to its gradients is captured as a graph, and from there on a step is: the batch into the graph's
own tensors, one launch, the optimizer. The optimizer stays outside, so that its numbers stay Python's.

What is relied on of torch (its CUDAGraph.cpp and CUDAGeneratorImpl.cpp): a capture computes nothing, it only notes;
what it allocates stays the graph's, so gradients lie in one place and each replay writes them anew. A replay
begins with the seed and offset that the GPU's generator has at that moment, so that seeded before each step it
draws dropout as the plain step does. Buffers changed in place, as BatchNorm's are, are changed by each replay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from jobs.algorithm.data.batches import Batch
from jobs.algorithm.training.optimizers import MxnetOptimizer
from jobs.algorithm.training.steps import Step, add_gradients, take_step
from jobs.algorithm.training.team import ALONE, Team

log = logging.getLogger(__name__)

PLAIN_STEPS = 3
"""Steps before the capture: the libraries choose, compile and load what they need in them, which a capture forbids."""


@dataclass(frozen=True)
class Recording:
    """Work that was recorded: `replay` does it again, and writes its result into `loss`."""

    loss: torch.Tensor
    replay: Callable[[], None]


class Recorder(Protocol):
    """What can record work on a device: a GPU's graphs, or a test's stand-in."""

    def aside(self) -> AbstractContextManager[None]:
        """Where work is done that will be recorded later."""

    def record(self, work: Callable[[], torch.Tensor]) -> Recording:
        """Record work, which must not count as done. Raises where it cannot be recorded."""


class GpuRecorder:
    """CUDA graphs on the current GPU."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    @contextmanager
    def aside(self) -> Iterator[None]:
        """On a stream of its own, as torch's notes on CUDA graphs ask before a capture that autograd is part of."""
        current = torch.cuda.current_stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            yield
        current.wait_stream(self._stream)

    def record(self, work: Callable[[], torch.Tensor]) -> Recording:
        graph, generator = torch.cuda.CUDAGraph(), torch.cuda.default_generators[torch.cuda.current_device()]
        sound = generator.clone_state()
        try:
            # the outer context: torch.cuda.graph leaves its stream the current one when a capture ends badly.
            # thread_local: what other threads ask of CUDA meanwhile does not spoil the capture
            with (
                torch.cuda.stream(torch.cuda.current_stream()),
                torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"),
            ):
                loss = work()
        except Exception:
            # the old one would refuse dropout, as in a capture that never ended; before torch 2.12 the allocator
            # stays in one (pytorch#180395), and gives no cached memory back any more
            generator.graphsafe_set_state(sound)
            torch.cuda.synchronize()
            raise
        done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]

        def replay() -> None:
            graph.replay()
            done.synchronize()  # the replay before: else batches that wait for the GPU would pile up in pinned memory
            done.record()

        return Recording(loss, replay)


@dataclass(frozen=True)
class _Captured:
    """A recorded step, and the batch on the device that it works on."""

    batch: Batch
    recording: Recording


class Steps:
    """Takes the steps of one training. `taken` counts those of this process."""

    def __init__(
        self,
        network: nn.Module,
        optimizer: MxnetOptimizer,
        step: Step,
        team: Team = ALONE,
        recorder: Recorder | None = None,
    ) -> None:
        self.network, self.optimizer, self.step, self.team, self.taken = network, optimizer, step, team, 0
        self._recorder = recorder
        self._captured: _Captured | None = None

    def prepare(self, batch: Batch) -> None:
        """Compute the gradients of a batch, and leave all as it was: what a GPU loads for its first step is loaded
        then, and whether a batch of that size fits is known."""
        buffers = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        with self._aside():
            add_gradients(self.network, batch, self.step, self.team)
        self.optimizer.zero_grad()
        for buffer, before in buffers:  # BatchNorm's statistics
            buffer.copy_(before)
        self.step.device.wait()

    def take(self, batch: Batch) -> torch.Tensor:
        """Change the weights by one batch, or this member's share of it, which has the size of those before;
        returns the whole batch's loss."""
        if self._recorder and not self._captured and self.taken >= PLAIN_STEPS:
            self._capture(self._recorder, batch)
        loss = self._replay(self._captured, batch) if self._captured else self._take_plainly(batch)
        self.taken += 1
        return loss

    def release(self) -> bool:
        """Give a captured step's memory back, and take the steps that follow one by one; False where none
        is captured."""
        if not self._captured:
            return False
        self._captured = self._recorder = None
        self.optimizer.zero_grad()  # the gradients are the graph's
        torch.cuda.empty_cache()
        return True

    def _take_plainly(self, batch: Batch) -> torch.Tensor:
        with self._aside():
            return take_step(self.network, self.optimizer, batch, self.step, self.team)

    def _aside(self) -> AbstractContextManager[None]:
        return self._recorder.aside() if self._recorder else nullcontext()

    def _capture(self, recorder: Recorder, batch: Batch) -> None:
        self.optimizer.zero_grad()  # else the graph would add to gradients, and to memory that is not its own
        place = self.step.device.place
        own = Batch(*(tensor.to(place, copy=True) for tensor in (batch.images, batch.masks)))
        try:
            recording = recorder.record(lambda: add_gradients(self.network, own, self.step))
        except Exception as e:  # noqa: BLE001 (CUDA, a compiler, want of memory: the plain steps before had enough)
            log.warning("steps are not captured as a graph (%s); they are taken one by one", _first_line(e))
            self._recorder = None
        else:
            self._captured = _Captured(own, recording)
            log.info("steps are captured as a graph")

    def _replay(self, captured: _Captured, batch: Batch) -> torch.Tensor:
        captured.batch.images.copy_(batch.images, non_blocking=True)
        captured.batch.masks.copy_(batch.masks, non_blocking=True)
        captured.recording.replay()
        self.optimizer.step()
        return captured.recording.loss.clone()


def steps_of(network: nn.Module, optimizer: MxnetOptimizer, step: Step, team: Team) -> Steps:
    """The steps of a training in the fastest way that its device has."""
    if not step.device.is_gpu:
        return Steps(network, optimizer, step, team)
    if team.size > 1:
        log.info("steps are not captured as a graph (GPUs add their gradients up in them); they are taken one by one")
        return Steps(network, optimizer, step, team)
    return Steps(network, optimizer, step, team, GpuRecorder())


def _first_line(error: BaseException) -> str:
    """Of the error that came first: the end of a capture that was spoilt raises one more."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}".splitlines()[0]

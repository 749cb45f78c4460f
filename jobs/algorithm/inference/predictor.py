"""Predictions from an artefact, without an endpoint.

    Predictor(read_artefact(Path("model.tar.gz"))).predict_masks(images)

Images come and masks go as uint8 arrays, in batches of one size.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from formats.errors import SagesegError
from formats.images import Rgb
from formats.masks import Mask
from jobs.algorithm.inference.convolution import (
    Convolution,
    Folded,
    Make,
    OneDnnConvolution,
    WideConvolution,
    always_winograd,
    is_wide,
)
from jobs.algorithm.inference.fast_network import make_fast
from jobs.algorithm.machine.device import Device, choose_device, processor_flags
from jobs.algorithm.network.build import build_network
from jobs.algorithm.network.normalisation import normalise
from jobs.algorithm.network.unet import UNet
from jobs.algorithm.weights.load import load_parameters
from jobs.contract.artefact import Artefact, artefact_network

_WIDE = {torch.float32: (256, 2.0), torch.bfloat16: (256, 3.5)}
"""By precision from how many channels on, and how many times fewer products, Winograd's scheme wins: measured
on a processor whose bfloat16 is twice as fast as its float32 (docs/prediction-speed.md)."""
_MATRIX_UNITS = {"amx_bf16", "bf16"}
"""Processors that multiply matrices of bfloat16 many times as fast as float32, and ARM's, which were not
measured: there all convolutions in bfloat16 are direct."""
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""Of the scores' spread, what the fast form of a network may differ by from the plain one."""
_CHECKED_SIDE = 96
_MOST_STREAMS = 4
"""Each holds the activations of a batch: some 400 MB of the built-in's networks."""


class Predictor:
    """A trained network, ready to predict images of any one size at a time.

    It computes on `device`, by default a GPU where there is one, in the precision that SAGESEG_PRECISION asks
    for or else the fastest there (`choose_device`). Named float32, it is the very network that trained; else
    a fast form of it. Raises SagesegError when the artefact's settings and parameters do not belong together.
    """

    def __init__(self, artefact: Artefact, device: Device | None = None) -> None:
        self._device = device or choose_device(predicts=True)
        self._threads, self._batches, self._counting = torch.get_num_threads(), 0, threading.Lock()
        self.num_classes = artefact_network(artefact).num_classes
        self.network = load_network(artefact).to(self._device.place)
        if not self._device.exact:
            self._make_fast(artefact)

    @property
    def precision(self) -> str:
        """The type in which it convolves, as predictions.json tells it."""
        return str(self._device.precision).removeprefix("torch.")

    @property
    def streams(self) -> int:
        """How many batches it is best given at once, each by a thread of its own: cores that each work on a
        batch need not wait for each other."""
        return 2 if self._device.is_gpu else min(self._threads, _MOST_STREAMS)

    @property
    def batch_pixels(self) -> int:
        """The pixels of a batch that it is best given: they keep the activations within bounds. On a processor a
        crop is enough work by itself for all networks but unet, and an even share for each core."""
        crops = 32 if self._device.is_gpu else 4 if isinstance(self.network, UNet) else 1
        return crops * 512 * 512

    @torch.inference_mode()
    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        """Class probabilities (N, C, H, W), 0..1, of images (N, H, W, 3) uint8."""
        with self._share_of_cores():
            return self._scores(images).softmax(1).cpu().numpy()

    @torch.inference_mode()
    def predict_masks(self, images: Rgb) -> Mask:
        """Class ids (N, H, W) uint8 of images (N, H, W, 3) uint8."""
        with self._share_of_cores():
            return likeliest(self._scores(images)).cpu().numpy()

    @contextmanager
    def _share_of_cores(self) -> Iterator[None]:
        """One batch takes all cores, and each of several that are at work its share; torch's number of threads is
        that of the thread that asks."""
        with self._counting:
            self._batches += 1
            share = max(self._threads // self._batches, 1)
        if not self._device.is_gpu:
            torch.set_num_threads(share)
        try:
            yield
        finally:
            with self._counting:
                self._batches -= 1

    def _scores(self, images: Rgb) -> torch.Tensor:
        scores: torch.Tensor
        precision = torch.float32 if self._device.exact else self._device.precision
        scores, _ = self.network(normalise(torch.from_numpy(images).to(self._device.place)).to(precision))
        return scores

    @torch.inference_mode()
    def _make_fast(self, artefact: Artefact) -> None:
        """Take the network's fast form where it gives the same scores, but for rounding."""
        noise = np.random.default_rng(0).integers(0, 256, (1, _CHECKED_SIDE, _CHECKED_SIDE, 3), np.uint8)
        precision = self._device.precision
        plain, _ = self.network(normalise(torch.from_numpy(noise).to(self._device.place)))
        try:
            self.network = make_fast(self.network, _maker(self._device))
            found = [self._scores(noise)]
            with always_winograd(self.network):  # of so small an image it saves nothing
                found.append(self._scores(noise))
            difference = (torch.stack(found) - plain).square().mean((1, 2, 3, 4)).sqrt().max()
            spread = plain.std()
            problem = "" if difference <= _TOLERANCE[precision] * spread else f"it differs by {difference / spread:.1%}"
        except (RuntimeError, AttributeError) as e:  # torch's private operations may change
            problem = str(e).partition("\n")[0]
        if problem:
            logging.getLogger(__name__).warning("predicting in plain float32, the slower way: %s", problem)
            self._device = Device(self._device.place, exact=True)
            self.network = load_network(artefact).to(self._device.place)


def load_network(artefact: Artefact) -> nn.Module:
    """An artefact's network on the processor, in float32 and evaluation mode. Raises SagesegError when
    the artefact's settings and parameters do not belong together, and for one that holds no parameters but ONNX."""
    if artefact.onnx is not None:
        raise SagesegError(
            f"{artefact.source}: holds an ONNX model, no network; name the artefact that it was exported from"
        )
    network = build_network(artefact_network(artefact))
    load_parameters(network, artefact.parameters, artefact.source)
    return network.eval()


def likeliest(scores: torch.Tensor) -> torch.Tensor:
    """The class of the highest score of each pixel, uint8 (N, H, W), the first of equal ones, of scores
    (N, C, H, W). On a processor class by class, which is three and more times as fast as torch's argmax."""
    if scores.is_cuda:
        return scores.argmax(1).to(torch.uint8)
    best = scores[:, 0].clone()
    ids = torch.zeros(best.shape, dtype=torch.uint8)
    for number in range(1, scores.shape[1]):
        ids.masked_fill_(scores[:, number] > best, number)
        torch.maximum(best, scores[:, number], out=best)
    return ids


def _maker(device: Device) -> Make:
    """How a device convolves best."""
    if device.is_gpu:
        return lambda folded: Convolution(folded, device.precision, device.place)
    channels, saving = _WIDE[device.precision]
    winograd = device.precision == torch.float32 or not _MATRIX_UNITS & processor_flags()

    def make(folded: Folded) -> nn.Module:
        fused = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        direct = OneDnnConvolution(folded, device.precision) if fused else Convolution(folded, device.precision)
        return WideConvolution(folded, direct, saving) if winograd and is_wide(folded, channels) else direct

    return make

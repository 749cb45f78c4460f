"""Crops of one size put together into batches, across images."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence

from formats.errors import SagesegError
from formats.images import Rgb
from formats.manifest import ManifestRow
from jobs.prediction.crops_to_predict import SourceWork
from jobs.prediction.stages import until_failure

WAITING_PIXELS = 2**25
"""96 MiB of crops wait for more of their size: a folder may have as many sizes as images."""

Crop = tuple[ManifestRow, Rgb]
Batch = list[Crop]


def full_batches(
    read: Iterable[tuple[SourceWork, Sequence[Rgb]]], pixels: Callable[[], int], most_waiting: int = WAITING_PIXELS
) -> Generator[Batch]:
    """Every crop in one batch of its size, with as many others as make `pixels()` together.

    A batch that is not full goes at the end, when `read` raises SagesegError, which is raised after it, and when all
    that wait have over `most_waiting` pixels, and over `pixels()`: then the one that has waited longest. A crop that
    waits does not keep the memory of the image that it was cut from.
    """
    waiting: dict[tuple[int, ...], Batch] = {}
    held, failures = 0, list[SagesegError]()
    for source, images in until_failure(read, failures):
        for row, image in zip(source.rows, images, strict=True):
            area, batch = _area(image), waiting.setdefault(image.shape, [])
            batch.append((row, image))
            held += area
            if (len(batch) + 1) * area > pixels():
                del waiting[image.shape]
                held -= len(batch) * area
                yield batch
        for shape in waiting.keys() & {image.shape for image in images}:
            waiting[shape] = [(row, _own(image)) for row, image in waiting[shape]]
        while held > max(most_waiting, pixels()):
            oldest = waiting.pop(next(iter(waiting)))
            held -= batch_pixels(oldest)
            yield oldest
    yield from waiting.values()
    if failures:
        raise failures[0]


def batch_pixels(batch: Batch) -> int:
    return len(batch) * _area(batch[0][1])


def _area(image: Rgb) -> int:
    height, width, _ = image.shape
    return int(height * width)


def _own(image: Rgb) -> Rgb:
    """The same pixels in memory of their own."""
    return image if image.base is None else image.copy()

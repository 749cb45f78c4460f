"""Carvana to 512 crops: this project against a bare loop over the same codecs, one worker against
two, and memory with few and with many images.

    .venv/bin/python benchmarks/prep_carvana.py                       # drawn images, 1918 × 1280
    .venv/bin/python benchmarks/prep_carvana.py train train_masks     # your own
    .venv/bin/python benchmarks/prep_carvana.py --many 10000          # memory: minutes
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from multiprocessing import Process
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import simplejpeg
from PIL import Image

from formats.classes import voc_palette
from formats.console import result
from prep.dataset.writer import write_dataset
from prep.options import PrepOptions
from prep.readers.carvana import read_carvana
from sageseg.studio.shoot import draw_shoot

SIZE, CROP = (1918, 1280), 512


def bare_loop(paths: list[Path], masks: Path, out: Path) -> None:
    """Decode, cut, encode, write: what nobody can leave out."""
    palette = voc_palette().tobytes()
    for path in paths:
        image = simplejpeg.decode_jpeg(path.read_bytes())
        with Image.open(masks / f"{path.stem}_mask.gif") as opened:
            mask = np.array(opened)
        height, width = mask.shape
        for top in [*range(0, height - CROP, CROP), height - CROP]:
            for left in [*range(0, width - CROP, CROP), width - CROP]:
                name = out / f"{path.stem}_x{left}_y{top}"
                cut = np.ascontiguousarray(image[top : top + CROP, left : left + CROP])
                name.with_suffix(".jpg").write_bytes(simplejpeg.encode_jpeg(cut, 95, "RGB", "420"))
                crop = Image.fromarray(mask[top : top + CROP, left : left + CROP])
                crop.putpalette(palette)
                buffer = BytesIO()
                crop.save(buffer, "PNG")
                name.with_suffix(".png").write_bytes(buffer.getvalue())


def two_bare_loops(paths: list[Path], masks: Path, out: Path) -> None:
    """What this machine makes of two processes that share nothing."""
    halves = [Process(target=bare_loop, args=(paths[half::2], masks, out)) for half in (0, 1)]
    for process in halves:
        process.start()
    for process in halves:
        process.join()


def prepare(images: Path, masks: Path, out: Path, options: PrepOptions) -> None:
    write_dataset(read_carvana(images, masks, None, None), out, options)


def every_crop(workers: int) -> PrepOptions:
    return PrepOptions(crop=CROP, val=0, keep_empty=1, workers=workers)


def linked(images: Path, masks: Path, folder: Path, count: int) -> tuple[Path, Path]:
    """`count` images of as many cars as it takes, hard links of the given ones."""
    folders = folder / "images", folder / "masks"
    for each in folders:
        each.mkdir(parents=True)
    paths = sorted(images.iterdir())
    for number in range(count):
        path = paths[number % len(paths)]
        stem = f"{number // 16:012x}_{number % 16 + 1:02d}"
        os.link(path, folders[0] / f"{stem}.jpg")
        os.link(masks / f"{path.stem}_mask.gif", folders[1] / f"{stem}_mask.gif")
    return folders


@contextmanager
def folder_in(parent: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=parent) as name:
        yield Path(name)


def seconds(clock: Callable[[], float], work: Callable[[Path], None], parent: Path) -> float:
    with folder_in(parent) as folder:
        start = clock()
        work(folder)
        return clock() - start


def compare_with_bare_loop(images: Path, masks: Path, parent: Path, rounds: int) -> None:
    """CPU seconds of one process, by turns, the least of each: others on the machine disturb less."""
    paths, ours, bare = sorted(images.iterdir()), list[float](), list[float]()
    for _ in range(rounds):
        bare.append(seconds(time.process_time, lambda out: bare_loop(paths, masks, out), parent))
        ours.append(
            seconds(time.process_time, lambda out: prepare(images, masks, out / "dataset", every_crop(1)), parent)
        )
    one, own = (min(times) / len(paths) * 1e3 for times in (bare, ours))
    result(f"bare loop    {one:7.1f} ms of CPU an image")
    result(f"sageseg prep {own:7.1f} ms of CPU an image: {own / one:.3f} of the bare loop")


def compare_workers(images: Path, masks: Path, parent: Path, rounds: int) -> None:
    """Wall seconds, starting the processes included, by turns, the least of each; on a machine with
    other work, only set against what two bare loops gain."""
    paths = sorted(images.iterdir())
    works: dict[str, Callable[[Path], None]] = {
        "one worker": lambda out: prepare(images, masks, out / "dataset", every_crop(1)),
        "two workers": lambda out: prepare(images, masks, out / "dataset", every_crop(2)),
        "one bare loop": lambda out: bare_loop(paths, masks, out),
        "two bare loops": lambda out: two_bare_loops(paths, masks, out),
    }
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            took[name].append(seconds(time.perf_counter, work, parent))
    best = {name: min(times) for name, times in took.items()}
    result(f"{len(paths)} images: " + ", ".join(f"{name} {time:.1f} s" for name, time in best.items()))
    result(f"two workers are {best['one worker'] / best['two workers']:.2f} × as fast as one")
    result(f"two bare loops {best['one bare loop'] / best['two bare loops']:.2f} × as fast as one")


def measure_memory(images: Path, masks: Path, parent: Path, count: int) -> None:
    with folder_in(parent) as folder:
        many = linked(images, masks, folder / "many", count)
        command = [sys.executable, __file__, *map(str, many), "--memory-of", str(folder / "dataset")]
        subprocess.run(command, check=True)


def print_memory(images: Path, masks: Path, out: Path) -> None:
    prepare(images, masks, out, every_crop(2))
    own, worker = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    count = len(list(images.iterdir()))
    result(f"{count:6} images: at most {worker:.0f} MB a worker, {own:.0f} MB in the main process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", type=Path)
    parser.add_argument("masks", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=640, help="images for one worker against two")
    parser.add_argument("--many", type=int, default=1000, help="images for the memory, against 100")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory_of:
        print_memory(given.images, given.masks, given.memory_of)
        return
    with folder_in(Path.cwd()) as parent:
        images, masks = given.images, given.masks
        if not images:
            draw_shoot(parent, cars=2, angles=8, size=SIZE)
            images, masks = parent / "images", parent / "masks"
        compare_with_bare_loop(images, masks, parent, given.rounds)
        compare_workers(*linked(images, masks, parent / "parallel", given.parallel), parent, given.rounds)
        for count in (100, given.many):
            measure_memory(images, masks, parent, count)


if __name__ == "__main__":
    main()

"""What `gpu.sh prepare` makes: all data that the parts need, drawn on a machine whose time is cheap.

    python benchmarks/gpu_data.py FOLDER [--small]

`pairs-240` and `pairs-512` are images with masks to train on, `shots` those to predict, `cars` the dataset of
quality, `baseline` the files of the build that speed is compared with. With `--small` all is little, for trying
the script itself.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from earlier_build import HERE, write_earlier_build
from prediction_peers import draw_shots
from training_peers import SIZES, write_images

PAIRS, SHOTS, CARS = 32, 16, 60
FEW_PAIRS, FEW_SHOTS, FEW_CARS = 8, 2, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    pairs, shots, cars = (FEW_PAIRS, FEW_SHOTS, FEW_CARS) if given.small else (PAIRS, SHOTS, CARS)
    for crop, size in SIZES.items():
        if not (given.folder / f"pairs-{crop}").exists():
            write_images(given.folder / f"pairs-{crop}", size, pairs)
    if not (given.folder / "shots").exists():
        draw_shots(given.folder / "drawing", shots).rename(given.folder / "shots")
        (given.folder / "drawing").rmdir()
    if not (given.folder / "baseline").exists():
        write_earlier_build(given.folder / "baseline")
    if not (given.folder / "cars").exists():
        words = ["fcn", "--draw", "--folder", str(given.folder), "--dataset", str(given.folder / "cars")]
        quality = str(HERE / "benchmarks/algorithm_quality.py")
        subprocess.run([sys.executable, quality, *words, "--cars", str(cars)], check=True)


if __name__ == "__main__":
    main()

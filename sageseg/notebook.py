"""What the notebooks share: commands as a terminal would run them, and images in rows.

from sageseg.notebook import sageseg, show
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from formats.images import read_image

COUNTING = re.compile(r"(?m)^.*: \d+ of \d+\n")
"""Progress, as commands tell it where there is no terminal."""


def sageseg(line: str, *, refused: bool = False) -> None:
    """Run `sageseg` with this line in the current folder, and show what it says but for its counting; `refused` expects
    a failure.

    Raises RuntimeError, with all that the command said, where it fails, and where it does not though it should have.
    """
    sys.stdout.write("".join(_run(line, refused=refused)))


def answer(line: str) -> str:
    """Run `sageseg` with this line in the current folder, and return what it printed to stdout alone. Raises
    RuntimeError as `sageseg` does."""
    return _run(line, refused=False)[1]


def _run(line: str, *, refused: bool) -> tuple[str, str]:
    """What the command told on stderr, but for its counting, and what it printed to stdout."""
    words = [sys.executable, "-m", "sageseg", *shlex.split(line)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    told = COUNTING.sub("", ran.stderr)
    if (ran.returncode != 0) != refused:
        raise RuntimeError(f"sageseg {line}: exit code {ran.returncode}\n{ran.stdout}{told}")
    return told, ran.stdout


def show(paths: Sequence[Path], *, columns: int, width: float) -> None:
    """Draw images, named by their stems, in rows of `columns`, each `width` inches wide; needs the extra `plot`."""
    import matplotlib.pyplot as plt

    images = [read_image(path) for path in paths]
    height, across, _ = images[0].shape
    rows = -(-len(images) // columns)
    size = (columns * width, rows * (width * height / across + 0.25))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, path, image in zip(axes.flat, paths, images, strict=False):
        axis.imshow(image)
        axis.set_title(path.stem, fontsize=8)
    figure.tight_layout()

"""What `sageseg demo` starts from: a drawn studio shoot of cars and its experiment file."""

from __future__ import annotations

import shlex
from importlib.resources import files
from pathlib import Path

from formats.disk.whole_files import write_text
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from sageseg.studio.shoot import draw_shoot

CARS, ANGLES = 24, 6
"""What a network learns is the shapes of cars: many of them, from few angles each, teach it more than few from many.
Many more would look alike: the seed of demo.yaml leaves no near-twin between the splits of these."""


def lay_out_demo(out: Path) -> Path:
    """Draw the shoot and leave its experiment.yaml, where they are not there yet; returns the file's path.

    A changed experiment.yaml is kept: `sageseg demo` again runs what the user made of it.
    """
    experiment = out / "experiment.yaml"
    if out.exists() and any(out.iterdir()) and not experiment.exists():
        raise SagesegError(f"{out}: exists already and is no demo; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    if not experiment.exists():
        write_text(experiment, files("sageseg").joinpath("demo.yaml").read_text(encoding="utf-8"))
    if not (out / "shoot").exists():
        with staged_folder(out / "shoot") as shoot:
            draw_shoot(shoot, cars=CARS, angles=ANGLES)
    return experiment


def closing_lines(experiment: Path, page: Path | None) -> list[str]:
    """What the demo ends with: the report's page, where there is one, and three things to try next."""
    dataset, preview = (shlex.quote(str(experiment.with_name(name))) for name in ("dataset", "preview.html"))
    shown = shlex.quote(str(experiment))
    return [
        *([f"the report, for a browser: {page}"] if page else []),
        "to try next:",
        f"  sageseg prep preview {dataset} --out {preview}    what the network learned from, on one page",
        f"  sageseg run {shown}    once you changed that file: another run, and how to compare it with this one",
        "  sageseg prep auto FOLDER    which labels lie in a folder of yours, and the command that reads them",
    ]

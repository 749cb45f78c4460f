"""What `sageseg demo` starts from: a drawn studio shoot of cars and its experiment file."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from formats.disk.whole_files import write_text
from formats.disk.whole_folders import staged_folder
from formats.errors import SagesegError
from sageseg.studio.shoot import draw_shoot

CARS = 8


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
            draw_shoot(shoot, cars=CARS)
    return experiment

"""`sageseg demo`: draw a studio shoot of cars and take it through every room on this machine."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from formats.console import say
from formats.errors import SagesegError
from formats.staging import staged_folder, write_text
from sageseg.experiment import run_experiment
from sageseg.studio.shoot import draw_shoot

CARS = 8


def run_demo(out: Path) -> None:
    """Draw the shoot and leave its experiment.yaml, where they are not there yet; then run it.

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
    say(f"$ sageseg run {experiment}")
    run_experiment(experiment)

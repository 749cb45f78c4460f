"""docs/record.md's dvc.yaml by DVC itself: twice, then from scratch, and with another setting.

    .venv/bin/python oracles/dvc_repro.py .venv/dvc/bin/dvc

The second time nothing is done. From scratch DVC's checksums of all that is no report are the same: a report tells when
it was made. Needs git.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from PIL import Image

ROOT = Path(__file__).parents[1]


def main(dvc: Path) -> None:
    with TemporaryDirectory() as folder:
        desk = Path(folder)
        write_labels(desk)
        page = (ROOT / "docs" / "record.md").read_text(encoding="utf-8")
        block = re.search(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
        block = block or sys.exit("docs/record.md: no block of YAML")
        (desk / "dvc.yaml").write_text(block[1], encoding="utf-8")
        _run(desk, "git", "init", "-q")
        _run(desk, str(dvc), "init", "-q")
        _run(desk, str(dvc), "repro")
        first = _checksums(desk)
        again = _run(desk, str(dvc), "repro")
        check("Data and pipelines are up to date." in again, again)
        check(again.count("didn't change, skipping") == len(first), again)
        _run(desk, str(dvc), "repro", "--force")
        differ = {stage for stage, outs in _checksums(desk).items() if outs != first[stage]}
        sys.stdout.write(f"differ when made from scratch: {', '.join(sorted(differ)) or 'none'}\n")
        check(not differ & {"prep", "stitch"}, differ)
        text = (desk / "dvc.yaml").read_text().replace("--least mean_iou=0.3", "--least mean_iou=0.2")
        (desk / "dvc.yaml").write_text(text)
        changed = _run(desk, str(dvc), "repro")
        check(re.findall(r"Running stage '(\w+)'", changed) == ["gate"], changed)
        check("scores.mean_iou.low" in _run(desk, str(dvc), "metrics", "show"))
        _run(desk, str(dvc), "plots", "show")
    sys.stdout.write("dvc: as docs/record.md says\n")


def check(holds: bool, told: object = "") -> None:
    """End with what is told where something does not hold, and say where."""
    if not holds:
        raise SystemExit(f"line {sys._getframe(1).f_lineno}: {told}")


def write_labels(desk: Path) -> None:
    """Eight images of 64 × 64 pixels, each with a bright disc, and their masks."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64]
    for name in ("images", "masks"):
        (desk / name).mkdir()
    for number in range(8):
        x, y, radius = [*generator.uniform(20, 44, 2).tolist(), float(generator.uniform(10, 18))]
        inside = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
        noise = generator.integers(0, 40, (64, 64, 3))
        image = np.where(inside[..., None], (200, 180, 160), (60, 70, 80)) + noise
        Image.fromarray(image.astype(np.uint8)).save(desk / "images" / f"car{number}.jpg", quality=95)
        Image.fromarray(inside.astype(np.uint8)).save(desk / "masks" / f"car{number}.png")
    (desk / "labels.txt").write_text("_background_\ncar\n")


def _run(desk: Path, *words: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", "SAGESEG_HOME": str(desk / ".sageseg")}
    ran = subprocess.run(words, cwd=desk, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(words)}: {ran.returncode}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}")
    return ran.stdout


def _checksums(desk: Path) -> dict[str, list[str]]:
    """By stage the checksums of its outputs, as DVC wrote them down."""
    stages = yaml.safe_load((desk / "dvc.lock").read_text())["stages"]
    return {name: [out["md5"] for out in stage["outs"]] for name, stage in stages.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())

"""The built wheel, installed elsewhere, runs from there with all its files."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*words: str, cwd: Path, path: Path | None = None, code: int = 0) -> str:
    environment = os.environ | ({"PYTHONPATH": str(path), "PYTHONSAFEPATH": "1"} if path else {})
    ran = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == code, ran.stderr
    return ran.stdout


def test_the_wheel_runs_where_it_was_installed(tmp_path: Path) -> None:
    site, wheels = tmp_path / "site", tmp_path / "wheels"
    source = tmp_path / "source"
    tracked = [*ROOT.glob("*.cfg"), *ROOT.glob("*.toml"), ROOT / "README.md", ROOT / "LICENSE"]
    source.mkdir()
    for path in tracked:  # a copy, so that building leaves nothing in the checkout
        (source / path.name).write_bytes(path.read_bytes())
    for room in ("formats", "aws", "prep", "jobs", "analysis", "sageseg"):
        (source / room).symlink_to(ROOT / room)
    run("-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(source), cwd=tmp_path)
    (wheel,) = wheels.iterdir()
    run("-m", "pip", "install", "--no-deps", "--no-index", "--target", str(site), str(wheel), cwd=tmp_path)
    origin = "import sageseg.cli, analysis.report.report; print(sageseg.cli.__file__, analysis.report.report.__file__)"
    assert run("-c", origin, cwd=tmp_path, path=site).count(str(site)) == 2
    files = "from importlib.resources import files; print(files('sageseg').joinpath('demo.yaml').is_file())"
    assert run("-c", files, cwd=tmp_path, path=site).strip() == "True"
    templates = {path.name for path in (ROOT / "analysis" / "templates").iterdir()}
    assert {path.name for path in (site / "analysis" / "templates").iterdir()} == templates
    assert "prep" in run("-m", "sageseg", "--help", cwd=tmp_path, path=site)
    for room in ("prep", "jobs", "analysis"):
        assert "Usage" in run("-m", room, "--help", cwd=tmp_path, path=site)
    # the container's entry (Dockerfile), over an empty tree
    said = run("-m", "jobs.algorithm", "train", "--root", str(tmp_path / "ml"), cwd=tmp_path, path=site, code=1)
    reason = (tmp_path / "ml/output/failure").read_text()
    assert reason.startswith(f"{tmp_path}/ml/input/config/hyperparameters.json: cannot be read")
    assert said.splitlines()[-1].endswith(reason)

"""The build that speed is compared with, commit 498dbb5, and programs that run of it and of this checkout."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parents[1]
COMMIT = "498dbb5"
PACKAGES = ("analysis", "formats", "jobs", "prep", "sageseg")
"""All that its programs import of its checkout."""
_METADATA = "Metadata-Version: 2.1\nName: sageseg\nVersion: 0.1.0\n"


@contextmanager
def earlier_build(given: Path | None) -> Iterator[Path]:
    """The folder that holds its packages: as given, else taken from this checkout's history."""
    if given is not None:
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        write_earlier_build(Path(folder))
        yield Path(folder)


def write_earlier_build(folder: Path) -> None:
    """Its packages, and that they are installed, for it asks its version of the installation."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["git", "-C", str(HERE), "archive", COMMIT, *PACKAGES]
    archive = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    (folder / "sageseg-0.1.0.dist-info").mkdir(exist_ok=True)
    (folder / "sageseg-0.1.0.dist-info/METADATA").write_text(_METADATA)


def environment_of(build: Path, **further: str) -> dict[str, str]:
    """In which Python imports sageseg from `build`, and all else as now."""
    others = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place not in ("", str(HERE))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(build), *others]), "PYTHONUNBUFFERED": "1", **further}

"""Small wheels that are called like the project's, for those who read and install them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from formats.version import tool_version

ROOT = Path(__file__).parents[2]
NAME = f"sageseg-{tool_version()}-py3-none-any.whl"
SAME = {name: (ROOT / name).read_bytes() for name in ("sageseg/__main__.py", "jobs/processing/start_wheel.py")}
"""What is the same in a wheel and here."""


def write_wheel(path: Path, files: Mapping[str, bytes], *requires: str) -> Path:
    info, version = f"sageseg-{path.name.split('-')[1]}.dist-info", path.name.split("-")[1]
    told = ["Metadata-Version: 2.1", "Name: sageseg", f"Version: {version}", *(f"Requires-Dist: {r}" for r in requires)]
    with ZipFile(path, "w", ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr(f"{info}/METADATA", "\n".join(told) + "\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path

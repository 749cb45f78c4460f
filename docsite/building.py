"""The site: its pages put together, made into HTML by the site generator, and looked through."""

from __future__ import annotations

import os.path
import subprocess
import sys
from pathlib import Path

from docsite.checking import find_faults
from docsite.staging import BUILD, stage
from formats.errors import SagesegError

_SHIM = "https://unpkg.com/iframe-worker/shim"
"""What the generator has a page ask of another host, so that the search works in a page that is a file."""


def build(folder: Path = BUILD) -> Path:
    """Make the site; the folder of its pages. Ends with the faults where a link leads nowhere, a page is not in the
    navigation, or one would ask another host."""
    generator = Path(sys.executable).with_name("zensical")
    if not generator.exists():
        raise SagesegError(f"{generator}: not found; run pip install -e '.[docs]' in the checkout")
    stage(folder)
    command = [str(generator), "build", "--strict", "--clean", "-f", "mkdocs.yml"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"{made.stdout}{made.stderr}\nzensical: refused the pages in {folder / 'pages'}")
    site = folder / "site"
    for page in site.rglob("*.html"):
        worker = os.path.relpath(site / "assets" / "worker.js", page.parent)
        page.write_text(page.read_text(encoding="utf-8").replace(_SHIM, worker), encoding="utf-8")
    faults = find_faults(site)
    if faults:
        raise SystemExit("\n".join(faults))
    return site

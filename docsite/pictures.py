"""The pictures of the docs, made by the program: the drawn cars of `sageseg demo`, trained, predicted and reported.

python -m docsite pictures     # minutes: it trains on this machine. Chromium takes the pages
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

from docsite.browser import started_browser
from docsite.staging import BUILD, ROOT
from formats.console import say

FOLDER = ROOT / "docs" / "pictures"
_WIDTH, _HEIGHT = 1200, 800
_QUALITY = 72


def make_pictures(work: Path = BUILD.parent / "pictures") -> None:
    """Run the demo where it is not done yet, and write every picture of docs/pictures that is no drawing."""
    demo = work / "demo"
    _sageseg(work, "demo", "--out", "demo")
    run = max((demo / "runs").iterdir(), key=lambda path: int(path.name))
    _sageseg(work, "prep", "preview", "demo/dataset", "--out", "preview.html", "--overwrite")
    FOLDER.mkdir(exist_ok=True)
    _photograph(
        {
            "report.jpg": run / "report" / "index.html",
            "preview.jpg": work / "preview.html",
        }
    )
    overlay = min((run / "report" / "overlays").iterdir())
    _shrink(overlay, FOLDER / "overlay.jpg", 800)
    shutil.copy(min((run / "stitched" / "masks").iterdir()), FOLDER / "stitched.png")
    for path in sorted(FOLDER.iterdir()):
        say(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def _sageseg(work: Path, *words: str) -> None:
    work.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "sageseg", *words], cwd=work, check=True)


def _photograph(pages: dict[str, Path]) -> None:
    """The first screen of each page, in the light."""
    with started_browser() as browser:
        for name, page in pages.items():
            opened = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
            opened.goto(page.resolve().as_uri())
            opened.screenshot(path=FOLDER / name, type="jpeg", quality=_QUALITY)


def _shrink(source: Path, out: Path, width: int) -> None:
    """An image as a JPEG that is as wide at most."""
    with Image.open(source) as image:
        image.thumbnail((width, width))
        image.convert("RGB").save(out, quality=_QUALITY)

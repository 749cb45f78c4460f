"""The mask files of a plain folder: which there are, and each looked at once."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from analysis.plain.mask_file import LOSSY, SUFFIXES, look_at
from analysis.plain.meaning import FolderMasks, folder_masks
from analysis.report_files import PAGE, SCORES
from formats.console import say
from formats.errors import SagesegError
from formats.parallel import map_all
from formats.prepared.image_folder import walk
from formats.texts.given_files import refuse_zip
from formats.texts.wording import name_first

EXPECTED = "masks as PNG, GIF, BMP or TIFF, whose pixels are class ids"


def masks_by_key(root: Path) -> dict[str, Path]:
    """The masks in a folder and those below it by their paths in it (with `/`, without suffix). Raises SagesegError
    where there are none, saying why of what is there, and for two of one name."""
    files = _without_reports(root, _files(root))
    found: dict[str, Path] = {}
    for path in files:
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            key = path.relative_to(root).with_suffix("").as_posix()
            if key in found:
                raise SagesegError(f"{found[key]} and {path.name}: two masks of one name; take one away")
            found[key] = path
    lossy = [path for path in files if path.suffix.lower() in LOSSY]
    if not found:
        raise SagesegError(f"{root}: {_why_none(files, lossy)}")
    if lossy:
        say(f"note: {root}: {len(lossy)} files are passed over, such as {lossy[0].name}: JPEG and WebP change values")
    return found


def _files(root: Path) -> list[Path]:
    refuse_zip(root, "a folder of masks")
    if not root.is_dir():
        told = "a file, and no folder" if root.is_file() else "no such folder"
        raise SagesegError(f"{root}: {told}; expected predictions, or a folder of {EXPECTED}")
    if (root / SCORES).is_file() and (root / PAGE).is_file():
        raise SagesegError(f"{root}: a report, and no predictions; give the folder that was reported on")
    return walk(root, SUFFIXES, deep=True)


def _without_reports(root: Path, files: list[Path]) -> list[Path]:
    """What is no part of a report that was written into the folder."""
    above = {folder for path in files for folder in path.relative_to(root).parents}
    reports = {folder for folder in above if (root / folder / PAGE).is_file() and (root / folder / SCORES).is_file()}
    if reports:
        say(f"note: {root}: reports in it are passed over: {name_first(sorted(map(str, reports)))}")
    return [path for path in files if reports.isdisjoint(path.relative_to(root).parents)]


def _why_none(files: list[Path], lossy: list[Path]) -> str:
    if lossy:
        return (
            f"only masks such as {lossy[0].name}: JPEG and WebP change values, so no class is sure; save masks as PNG"
        )
    kinds = Counter(path.suffix.lower() or "no suffix" for path in files)
    there = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing"
    return f"no mask in it ({there}); expected {EXPECTED}: save them so"


def look_at_all(root: Path, paths: list[Path], workers: int | None) -> FolderMasks:
    """What the masks hold, each read once."""
    return folder_masks(root, list(map_all(look_at, paths, workers=workers, label="looking at masks")))


def temporary_folder(name: str) -> Path:
    """A folder of this name that is gone when the command ends."""
    above = Path(tempfile.mkdtemp(prefix="sageseg-"))
    atexit.register(shutil.rmtree, above, ignore_errors=True)
    made = above / (name or "masks")
    made.mkdir()
    return made

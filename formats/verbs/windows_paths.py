"""Paths as Windows writes them, where they are none: a folder called `C:\\cars` would be made, and never found."""

from __future__ import annotations

import os
import re
from pathlib import Path

from formats.errors import SagesegError

_OTHER_SYSTEM = os.name != "nt"
_DRIVE = re.compile(r"([A-Za-z]):[\\/]")


def check_path(text: str) -> None:
    """Raise SagesegError for a path of Windows on another system, unless there is a file of that very name."""
    if not _OTHER_SYSTEM or not ("\\" in text or _DRIVE.match(text)) or Path(text).exists():
        return
    here = text.replace("\\", "/")
    drive = _DRIVE.match(text)
    if drive:
        under = f"/mnt/{drive[1].lower()}/{here[3:]}"
        raise SagesegError(
            f"{text}: a path of Windows, which this system does not know; name the place as it is called here (under "
            f"WSL {under})"
        )
    raise SagesegError(f"{text}: no such place; here a path's parts are separated by /: {here}")

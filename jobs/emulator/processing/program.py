"""What program stands for a container, by a job's image and entrypoint, and how it is told its own `/opt/ml`.

No image is run: the project's own is the command `sageseg`, and of any other what its entrypoint says, if that is
Python, which is this one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from jobs.contract.registry import OPEN_IMAGE
from jobs.emulator.api.faults import invalid
from jobs.emulator.host.container import Command
from jobs.emulator.host.images import is_open_image
from jobs.emulator.store.state import Record

OPT_ML = "/opt/ml"
_NAMED = re.compile(rf"(?:(?<=file://)|(?<![\w./-])){OPT_ML}(?=$|/|[^\w.-])")
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_OWN = "sageseg"


def check_program(application: Record) -> None:
    """Raise ServiceError for an AppSpecification that cannot run here."""
    image, entrypoint = application["ImageUri"], application.get("ContainerEntrypoint")
    if entrypoint is None:
        if not is_open_image(image):
            raise invalid(
                f"ImageUri {image!r} cannot run here without ContainerEntrypoint; expected one that begins with "
                f"python3, or the image {OPEN_IMAGE}"
            )
        return
    program = PurePosixPath(entrypoint[0]).name
    if not _PYTHON.fullmatch(program) and not (program == _OWN and is_open_image(image)):
        raise invalid(
            f"ContainerEntrypoint {entrypoint} cannot run here; expected one that begins with python3, which is the "
            f"emulator's own, or with {_OWN} in the image {OPEN_IMAGE}"
        )


def command_of(application: Record, own: Command, root: Path) -> list[str]:
    """The command line of an AppSpecification that was checked, for the tree that stands for `/opt/ml`; `own` is that
    of our image."""
    entrypoint: list[str] = application.get("ContainerEntrypoint", [_OWN])
    known = own(root) if PurePosixPath(entrypoint[0]).name == _OWN else [sys.executable]
    given = [*entrypoint[1:], *application.get("ContainerArguments", [])]
    return [*known, *map(_told(root), given)]


def environment_of(environment: Mapping[str, str], root: Path) -> dict[str, str]:
    """A job's variables, as its container gets them."""
    told = _told(root)
    return {name: told(value) for name, value in environment.items()}


def _told(root: Path) -> Callable[[str], str]:
    """What names `/opt/ml` names that tree instead, wherever in a word it stands; no other path that ends so does."""
    return lambda text: _NAMED.sub(lambda _: str(root), text)


def names_opt_ml(line: str) -> bool:
    """Whether a line of a log names `/opt/ml` itself: what its program was told names another folder."""
    return _NAMED.search(line) is not None


def place_in(root: Path, local_path: str) -> Path:
    """Where a checked LocalPath lies in a tree."""
    return root.joinpath(*PurePosixPath(local_path).relative_to(OPT_ML).parts)

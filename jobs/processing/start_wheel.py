"""What an instance runs first where its image is a stock one: the project's wheel, which lies beside this file, is
installed, and the program goes on as `sageseg`.

    python3 start_wheel.py 'sageseg-0.1.0-py3-none-any.whl[geo]' jobs process-host …

It is sent as a file: the standard library is all that it finds, and an older Python must get as far as the line that
refuses it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from zipfile import ZipFile

PLACE = Path(__file__).resolve().parent
"""Where this file and what was sent with it lie."""
OLDEST = (3, 11)
"""The Python that setup.cfg requires."""
PINS = "constraints.txt"
"""Beside this file: what the machine has that started the job."""
_PROGRAM = "sageseg/__main__.py"
_MOST_MESSAGE = 1000
"""Bytes of a message, of which SageMaker keeps 1 KB."""
_UNREACHED = "no package index answered"
_MENDS = "run in subnets that have a way to one", "the log says more: name another --image"


class RefusedError(Exception):
    """A line for whoever started the job."""


def main(words: Sequence[str]) -> None:
    """Become `sageseg`, with the words behind the wheel's name. Exits with 1 after a line where that cannot be."""
    requirement, *command = words
    tree = Path(os.environ.get("SAGESEG_OPT_ML", "/opt/ml"))
    try:
        _check_python()
        python = sys.executable if is_here(requirement) else install(requirement, tree / "processing" / "environment")
    except RefusedError as e:
        _tell(f"error: {e}")
        _leave_message(tree, f"{e}\n")
        sys.exit(1)
    os.execv(python, [python, "-m", "sageseg", *command])  # noqa: S606 (no shell is wanted)


def _check_python() -> None:
    if sys.version_info[:2] < OLDEST:
        found, expected = (".".join(map(str, each)) for each in (sys.version_info[:2], OLDEST))
        raise RefusedError(f"the image's python3 is {found}; expected {expected} or newer: name another --image")


def is_here(requirement: str) -> bool:
    """Whether what the wheel holds is here already, file by file."""
    found = find_spec("sageseg")
    return found is not None and other_file(_wheel_of(requirement), Path(str(found.origin)).parent.parent) is None


def _wheel_of(requirement: str) -> Path:
    return PLACE / requirement.split("[", maxsplit=1)[0]


def other_file(wheel: Path, root: Path) -> str | None:
    """The first file of a wheel, beside those that tell of it, that is not the same below a folder."""
    with ZipFile(wheel) as packed:
        inside = [each for each in packed.infolist() if ".dist-info/" not in each.filename]
        if _PROGRAM not in [each.filename for each in inside]:
            return _PROGRAM
        for each in inside:
            here = root / each.filename
            leads_out = each.filename.startswith("/") or ".." in each.filename.split("/")
            known = not leads_out and here.is_file() and here.stat().st_size == each.file_size
            if not known or here.read_bytes() != packed.read(each):
                return each.filename
    return None


def install(requirement: str, folder: Path) -> str:
    """Install the wheel and what it needs into an environment in which the image's packages are found too; the Python
    of that. What the wheel needs in another version comes before the image's, but for torch, which stays."""
    begun = monotonic()
    _tell(f"installing {requirement}")
    try:
        python = _make_environment(folder)
    except (OSError, ImportError, subprocess.CalledProcessError) as e:
        raise RefusedError(f"no environment for the wheel could be made ({e}); name an --image that has pip") from e
    pins = folder / PINS
    pins.write_text("".join([(PLACE / PINS).read_text(encoding="utf-8"), *_torch()]), encoding="utf-8")
    asked = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--quiet"]
    asked += ["--no-warn-conflicts", "--no-compile"]  # a verb loads little of all that is installed
    asked += ["--constraint", str(pins)]
    why = None
    if find_spec("sageseg"):  # an image that has this version with other files: pip would keep that
        why = run_pip([*asked, "--no-deps", "--force-reinstall", str(_wheel_of(requirement))])
    why = why or run_pip([*asked, str(PLACE / requirement)])
    if why:
        mend = _MENDS[why != _UNREACHED]
        raise RefusedError(
            f"{requirement} could not be installed ({why}); {mend}, or leave out --wheel and name the project's own"
        )
    _tell(f"installed in {monotonic() - begun:.0f} s")
    return python


def _make_environment(folder: Path) -> str:
    """An environment over the packages of the Python that runs this. `--system-site-packages` would pass by those of
    an image whose Python is in an environment itself. pip comes with them, or else with Python."""
    venv.create(folder, clear=True, symlinks=True, with_pip=find_spec("pip") is None)
    (packages,) = folder.glob("lib/python*/site-packages")
    found = [path for path in sys.path if path != str(PLACE) and Path(path).is_dir()]
    (packages / "image.pth").write_text("".join(f"{path}\n" for path in found), encoding="utf-8")
    return str(folder / "bin" / "python")


def _torch() -> Iterator[str]:
    with suppress(PackageNotFoundError):
        yield f"torch=={version('torch')}\n"


def run_pip(command: Sequence[str]) -> str | None:
    """Run pip, and show what it says; where it fails, why."""
    last, tried_again = "", False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            _tell(line.rstrip())
            tried_again |= line.startswith("WARNING: Retrying (")
            if line.startswith("ERROR: ") and "ResolutionImpossible" not in line:
                last = line.strip().removeprefix("ERROR: ")
    if not pip.returncode:
        return None
    return _UNREACHED if tried_again else last or f"pip ended with exit code {pip.returncode}"


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _leave_message(tree: Path, line: str) -> None:
    """What the job's description tells as its ExitMessage."""
    with suppress(OSError):
        (tree / "output").mkdir(parents=True, exist_ok=True)
        told = line.encode("utf-8")[:_MOST_MESSAGE].decode("utf-8", "ignore")
        (tree / "output" / "message").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""The shape of the project: who may import whom, and what the command costs to start."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("formats", "prep", "jobs", "analysis", "sageseg")
MAY_IMPORT = {
    "formats": {"formats"},
    "prep": {"prep", "formats"},
    "jobs": {"jobs", "formats"},
    "analysis": {"analysis", "formats"},
    "sageseg": set(ROOMS),
}
ONLY_IN = {
    "boto3": {"jobs/clients.py", "jobs/emulator/storage.py", "jobs/lambda_handler.py"},
    "botocore": {"jobs/clients.py", "jobs/emulator/storage.py", "jobs/service_model.py", "jobs/lambda_handler.py"},
    "torch": {"jobs/algorithm/"},
    "waitress": {"jobs/emulator/", "jobs/algorithm/serving.py"},
}


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from (ROOT / room).rglob("*.py")


def imported(path: Path) -> set[str]:
    """The full names of all modules that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def wrong_arrows() -> Iterator[str]:
    for path in modules():
        place = path.relative_to(ROOT).as_posix()
        for name in imported(path):
            top = name.split(".")[0]
            if top in ROOMS and top not in MAY_IMPORT[place.split("/")[0]]:
                if name.startswith("prep.check") and place.startswith("jobs/"):
                    continue  # jobs asks prep's check before money is spent
                yield f"{place} imports {name}"
            if top in ONLY_IN and not any(place.startswith(allowed) for allowed in ONLY_IN[top]):
                yield f"{place} imports {name}"


def test_imports_point_one_way() -> None:
    assert sorted(wrong_arrows()) == []


def test_every_room_was_read() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in modules()} == set(ROOMS)


def test_no_module_is_called_like_the_standard_library_or_says_nothing() -> None:
    taken = sys.stdlib_module_names | {"utils", "util", "helpers", "misc", "common"}
    assert [path for path in modules() if path.stem in taken and not path.stem.startswith("__")] == []


@pytest.mark.parametrize(
    "words", [["--help"], ["jobs", "--help"], ["jobs", "train", "--help"], ["prep", "carvana", "--help"]]
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; from sageseg.cli import app\n"
        f"try: app({words!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'boto3', 'botocore', 'numpy', 'PIL', 'cv2', 'matplotlib', 'jinja2', 'rich'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "LOADED []"

"""The shape of the project: who may import whom, and what the command costs to start."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("formats", "prep", "jobs", "analysis", "sageseg")
MAY_IMPORT = {
    "formats": {"formats"},
    "prep": {"prep", "formats"},
    "jobs": {"jobs", "formats"},
    "analysis": {"analysis", "formats"},
    "sageseg": set(ROOMS),
}
ONLY_IN = {
    "boto3": {"jobs/backends.py", "jobs/emulator/host/storage.py", "jobs/account/lambda_handler.py"},
    "botocore": {
        "jobs/backends.py",
        "jobs/emulator/host/storage.py",
        "jobs/contract/service_model.py",
        "jobs/account/lambda_handler.py",
    },
    "torch": {"jobs/algorithm/"},
    "waitress": {"jobs/emulator/", "jobs/algorithm/serving/http_server.py"},
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


PICKLES = {"pickle", "_pickle", "cPickle", "pickletools", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
UNSAFE_YAML = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}
UNSAFE_CALLS = {
    "torch.load",
    "torch.save",
    "torch.export.load",
    "torch.jit.load",
    "torch.hub.load",
    *(f"yaml.{name}" for name in UNSAFE_YAML),
}


def executing_reads(source: str) -> Iterator[str]:
    """What in a program can run code that a file holds."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (f"imports {alias.name}" for alias in node.names if alias.name.split(".")[0] in PICKLES)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from (f"imports {name}" for name in names if name.split(".")[0] in PICKLES or name in UNSAFE_CALLS)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in UNSAFE_CALLS:
            yield f"uses {ast.unparse(node)}"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield f"passes allow_pickle={ast.unparse(node.value)}"


def test_nothing_that_is_read_is_executed() -> None:
    found = {path.relative_to(ROOT).as_posix(): list(executing_reads(path.read_text("utf-8"))) for path in modules()}
    # torch.export.load may unpickle: it is for the archive that was written a moment ago, to prove it
    assert {place: reads for place, reads in found.items() if reads} == {
        "jobs/algorithm/serving/export.py": ["uses torch.export.load"]
    }


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import os, joblib.memory",
        "def f():\n    from dill import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=True)",
        "torch.export.load(path)",
        "torch.save(network, path)",
        "read = torch.load",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=believed)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "from yaml import full_load as read",
    ],
)
def test_each_way_to_execute_what_is_read_is_found(line: str) -> None:
    assert len(list(executing_reads(line))) == 1


@pytest.mark.parametrize(
    "line", ["np.load(path)", "np.load(path, allow_pickle=False)", "yaml.safe_load(text)", "torch.export.save(a, b)"]
)
def test_reading_that_executes_nothing_is_not_refused(line: str) -> None:
    assert list(executing_reads(line)) == []


def test_every_room_was_read() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in modules()} == set(ROOMS)


def test_no_module_is_called_like_the_standard_library_or_says_nothing() -> None:
    taken = sys.stdlib_module_names | {"utils", "util", "helpers", "misc", "common"}
    assert [path for path in modules() if path.stem in taken and not path.stem.startswith("__")] == []


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["jobs", "--help"],
        ["jobs", "train", "--help"],
        ["jobs", "tune", "--help"],
        ["prep", "carvana", "--help"],
    ],
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; from sageseg.cli import app\n"
        f"try: app({words!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'boto3', 'botocore', 'numpy', 'PIL', 'cv2', 'matplotlib', 'jinja2', 'rich', 'optuna'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "LOADED []"

"""Dockerfile and .dockerignore, read: nothing is built here; oracles/image.py does that."""

from __future__ import annotations

import configparser
import fnmatch
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGING = {"setup.cfg", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"}


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions and their arguments, without comments, continuation lines joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def arguments(name: str) -> list[str]:
    return [rest for kind, rest in instructions((ROOT / "Dockerfile").read_text()) if kind == name]


def lets_through(path: str, patterns: str) -> bool:
    """Whether a path is sent to the build: the last pattern that matches it, or a folder above it,
    decides. `**/` stands for any folders; `*` matches no slash (Docker's build context)."""
    parts = path.split("/")
    places = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    sent = True
    for pattern in (line for line in patterns.splitlines() if line.strip() and not line.startswith("#")):
        plain = pattern.removeprefix("!")
        if any(_matches(place, plain) for place in places):
            sent = pattern.startswith("!")
    return sent


def _matches(place: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(place.rpartition("/")[2], pattern[3:])
    return place.count("/") == pattern.count("/") and fnmatch.fnmatchcase(place, pattern)


def setup() -> configparser.ConfigParser:
    read = configparser.ConfigParser(interpolation=None)
    read.read(ROOT / "setup.cfg")
    return read


def packages() -> list[str]:
    return [pattern.rstrip("*") for pattern in setup()["options.packages.find"]["include"].split()]


def test_the_entry_is_started_without_a_shell_and_exists() -> None:
    (entry,) = arguments("ENTRYPOINT")  # a shell would keep SIGTERM to itself
    python, option, module = json.loads(entry)
    assert (python, option) == ("python", "-m")
    assert importlib.util.find_spec(f"{module}.__main__") is not None


def test_what_it_is_built_on_may_be_another_registrys() -> None:
    lines = instructions((ROOT / "Dockerfile").read_text())
    assert lines[:2] == [("ARG", "BASE=python:3.11-slim"), ("FROM", "${BASE}")]


def test_gpus_are_asked_for_and_the_port_may_be_another() -> None:
    environment = dict(pair.split("=") for line in arguments("ENV") for pair in line.split())
    assert environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert "com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true" in arguments("LABEL")
    assert "SAGEMAKER_BIND_TO_PORT" in (ROOT / "jobs/algorithm/serving/http_server.py").read_text()


def test_torch_is_the_tested_one_and_its_file_is_there_before() -> None:
    lines = instructions((ROOT / "Dockerfile").read_text())
    copied = lines.index(("COPY", "constraints.txt ./"))
    index = lines.index(("ARG", "TORCH_INDEX=https://download.pytorch.org/whl/${TORCH}"))
    (installed,) = (number for number, (_, rest) in enumerate(lines) if "--index-url ${TORCH_INDEX}" in rest)
    assert lines.index(("ARG", "TORCH=cpu")) < index < installed
    assert copied < installed
    assert "grep '^torch==' constraints.txt" in lines[installed][1]
    (pinned,) = re.findall(r"^torch==(.*)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert re.fullmatch(r"[\d.]+", pinned)  # a local part such as +cpu would leave no choice of TORCH


def test_an_image_for_gpus_has_the_compiler_that_triton_asks_for() -> None:
    lines = instructions((ROOT / "Dockerfile").read_text())
    (installs,) = (number for number, (_, rest) in enumerate(lines) if "apt-get install" in rest)
    assert lines.index(("ARG", "TORCH=cpu")) < installs
    assert lines[installs][1].startswith('if [ "${TORCH}" != cpu ]; then ')
    assert {"gcc", "libc6-dev"} <= set(lines[installs][1].split())


def test_the_extra_that_is_installed_is_in_setup_cfg() -> None:
    extras = [extra for rest in arguments("RUN") for extra in re.findall(r"\.\[(\w+)\]", rest)]
    assert extras == ["local"]
    assert "torch" in setup()["options.extras_require"]["local"]


def test_onnx_models_are_served_in_the_tested_version() -> None:
    (line,) = (rest for rest in arguments("RUN") if "[local]" in rest)
    assert line.split() == ["pip", "install", "-c", "constraints.txt", '".[local]"', "onnxruntime"]
    assert re.search(r"^onnxruntime==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert "onnxruntime" in setup()["options.extras_require"]["onnx"]


def test_dependencies_are_installed_before_the_source_is_copied() -> None:
    lines = instructions((ROOT / "Dockerfile").read_text())
    dependencies = next(number for number, (_, rest) in enumerate(lines) if "[local]" in rest)
    assert {"setup.cfg", "pyproject.toml", "LICENSE"} <= {
        word for kind, rest in lines[:dependencies] for word in rest.split()
    }
    assert ("COPY", ". .") in lines[dependencies:]


def test_all_that_the_wheel_holds_enters_the_image() -> None:
    patterns = (ROOT / ".dockerignore").read_text()
    files = [path for name in packages() for path in (ROOT / name).rglob("*") if path.is_file()]
    assert len(files) > 100
    names = [path.relative_to(ROOT).as_posix() for path in files]
    assert any(name.startswith("analysis/templates/") for name in names)
    for name in [*names, *PACKAGING]:
        assert lets_through(name, patterns) == ("__pycache__" not in name), name


def test_nothing_else_enters_the_image() -> None:
    patterns = (ROOT / ".dockerignore").read_text()
    there = {path.name for path in ROOT.iterdir()} | {".sageseg", "build", "dist", "dataset", "sageseg-demo", ".git"}
    assert {name for name in there if lets_through(name, patterns)} == PACKAGING | set(packages())


@pytest.mark.parametrize(
    ("path", "sent"),
    [("a/b.py", True), ("a/__pycache__/b.pyc", False), ("ab/c.py", False), ("c/a/b.py", False), (".sageseg/x", False)],
)
def test_the_last_pattern_that_matches_decides(path: str, sent: bool) -> None:
    assert lets_through(path, "# whitelist\n*\n!a\n**/__pycache__\n") is sent

"""The project's wheel on a stock image: what is sent of it, what is refused, and what an instance does with it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from zipfile import ZipFile

import pip
import pytest

from formats.errors import SagesegError
from formats.shards.shard import Shard
from formats.version import tool_version
from jobs.contract.service_model import check_request
from jobs.processing import start_wheel
from jobs.processing.request import ProcessingJob, processing_request
from jobs.processing.wheel import pins_of, read_wheel
from tests.support.wheel_samples import NAME, SAME, write_wheel

STARTER = Path(start_wheel.__file__)
NO_INDEX = {"PIP_NO_INDEX": "1"}
SHUT = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}


def test_the_request_starts_what_is_sent(tmp_path: Path) -> None:
    wheel = read_wheel(write_wheel(tmp_path / NAME, SAME), ("video", "geo"))
    assert wheel.files.keys() == {NAME, "start_wheel.py", "constraints.txt"}
    assert wheel.files["start_wheel.py"] == STARTER.read_bytes()
    given = wheel.given("s3://b/cars-inputs")
    job = ProcessingJob(
        "cars",
        "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.9.0-cpu-py312-ubuntu22.04-sagemaker",
        "arn:aws:iam::123456789012:role/SageMaker",
        ("prep", "pairs"),
        [Shard(1, 1)],
        [given],
        "s3://b/cars",
        "ml.c5.2xlarge",
        100,
        3600,
        entrypoint=wheel.entrypoint,
    )
    request = processing_request(job)
    check_request("sagemaker", "CreateProcessingJob", request)
    assert request["AppSpecification"]["ContainerEntrypoint"] == [
        *("python3", "/opt/ml/processing/code/start_wheel.py", f"{NAME}[geo,video]", "jobs", "process-host"),
    ]
    assert given.uri.startswith("s3://b/cars-inputs/")
    other = read_wheel(write_wheel(tmp_path / NAME, SAME, "boto3"), ("video", "geo"))
    assert other.given("s3://b/cars-inputs").uri != given.uri


def test_on_this_machine_the_files_lie_beside_the_shards(tmp_path: Path) -> None:
    wheel = read_wheel(write_wheel(tmp_path / NAME, SAME), ())
    given = wheel.given((tmp_path / "cars-inputs").as_uri())
    wheel.send(given, lambda: pytest.fail("nothing goes to S3"), None)
    (folder,) = (tmp_path / "cars-inputs").iterdir()
    assert given.uri == f"{folder.as_uri()}/"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == wheel.files


@pytest.mark.parametrize(
    ("name", "files", "said"),
    [
        ("cars-1.whl", SAME, "expected a file such as sageseg-"),
        ("sageseg-9.9-py3-none-any.whl", SAME, f"of version 9.9, and this is {tool_version()}; build it"),
        (NAME, {**SAME, "jobs/gone.py": b""}, "in it 'jobs/gone.py' is another than here; build it in the checkout"),
        (
            NAME,
            {"sageseg/__main__.py": SAME["sageseg/__main__.py"].swapcase()},
            "in it 'sageseg/__main__.py' is another",
        ),
        (NAME, {}, "in it 'sageseg/__main__.py' is another"),
        (NAME, None, r"cannot be read \(File is not a zip file\); build it"),
    ],
)
def test_a_wheel_of_anything_else_is_refused(
    tmp_path: Path, name: str, files: Mapping[str, bytes] | None, said: str
) -> None:
    path = tmp_path / name
    if files is None:
        path.write_bytes(b"PK no zip")
    else:
        write_wheel(path, files)
    with pytest.raises(SagesegError, match=said):
        read_wheel(path, ())


def test_a_wheel_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SagesegError, match="pip wheel --no-deps"):
        read_wheel(tmp_path / NAME, ())


def test_instances_get_the_versions_of_this_machine_but_for_torch() -> None:
    from importlib.metadata import version

    pins = list(pins_of(()))
    assert f"numpy=={version('numpy')}" in pins
    assert not [pin for pin in pins if pin.startswith(("rasterio", "torch", "pytest"))]
    more = set(pins_of(("geo", "local"))) - set(pins)
    assert f"rasterio=={version('rasterio')}" in more
    assert not [pin for pin in more if pin.startswith("torch")]


class StartedError(BaseException):
    """The process has become another."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The command lines that took the script's place."""
    found: list[list[str]] = []

    def become(_: str, words: list[str]) -> NoReturn:
        found.append(words)
        raise StartedError

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setenv("SAGESEG_OPT_ML", str(tmp_path))
    monkeypatch.setattr(start_wheel, "PLACE", tmp_path)
    return found


def test_where_the_wheels_files_are_here_it_begins_at_once(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_wheel(tmp_path / NAME, SAME)
    monkeypatch.setattr(start_wheel, "install", lambda *_: pytest.fail("nothing is to be installed"))
    with pytest.raises(StartedError):
        start_wheel.main([f"{NAME}[geo]", "jobs", "process-host", "--shard", "1/1"])
    assert started == [[sys.executable, "-m", "sageseg", "jobs", "process-host", "--shard", "1/1"]]


def test_another_wheel_is_installed(started: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_wheel(tmp_path / NAME, {**SAME, "jobs/gone.py": b""})
    monkeypatch.setattr(start_wheel, "install", lambda wheel, folder: f"{folder}/python of {wheel}")
    with pytest.raises(StartedError):
        start_wheel.main([f"{NAME}[geo]", "jobs"])
    python = f"{tmp_path}/processing/environment/python of {NAME}[geo]"
    assert started == [[python, "-m", "sageseg", "jobs"]]


def test_an_older_python_is_refused_in_a_line(
    started: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    with pytest.raises(SystemExit) as ended:
        start_wheel.main([NAME, "jobs"])
    assert (ended.value.code, started) == (1, [])
    said = (tmp_path / "output" / "message").read_text()
    assert said == "the image's python3 is 3.8; expected 3.11 or newer: name another --image\n"


def test_python_3_8_reads_the_script_and_it_needs_nothing_else() -> None:
    parsed = ast.parse(STARTER.read_text(), feature_version=(3, 8))
    names = [node.module or "" for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(parsed) if isinstance(node, ast.Import) for alias in node.names]
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def image_python(folder: Path) -> Path:
    """The Python of an image that has the packages of the tests, and other files as this version of the project."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "tests.pth").write_text(str(Path(pip.__file__).parents[1]))
    with ZipFile(write_wheel(folder / NAME, {"sageseg/__main__.py": b"print('the image has another')\n"})) as wheel:
        wheel.extractall(packages)
    return folder / "bin" / "python3"


def run_there(tmp_path: Path, index: Mapping[str, str], *requires: str) -> subprocess.CompletedProcess[str]:
    """The script as an instance runs it that is told of such a package index, with a wheel whose command tells what it
    is given."""
    code = tmp_path / "code"
    code.mkdir()
    shutil.copy(STARTER, code)
    (code / "constraints.txt").write_text("pytest>=8\n")
    tells = b"import sys, numpy\nprint(sys.argv[1:], sys.prefix)\n"
    write_wheel(code / NAME, {"sageseg/__init__.py": b"", "sageseg/__main__.py": tells}, *requires)
    environment = {**os.environ, "SAGESEG_OPT_ML": str(tmp_path / "ml"), "PYTHONPATH": "", **index}
    words = [str(image_python(tmp_path / "image")), str(code / STARTER.name), NAME, "jobs", "--shard", "1/1"]
    return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_is_installed_over_the_packages_of_the_image(tmp_path: Path) -> None:
    ran = run_there(tmp_path, NO_INDEX, "numpy")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"['jobs', '--shard', '1/1'] {tmp_path}/ml/processing/environment\n"


def test_without_a_package_index_the_jobs_message_says_so(tmp_path: Path) -> None:
    ran = run_there(tmp_path, SHUT, "nobody-has-this")
    assert ran.returncode == 1
    said = (tmp_path / "ml" / "output" / "message").read_text()
    assert ran.stderr.splitlines(keepends=True)[-1] == f"error: {said}"
    assert " could not be installed (no package index answered); run in subnets that have a way to one, or" in said


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (
            ["ERROR: Could not find numpy==9", "ERROR: No matching distribution found for numpy==9"],
            "No matching distribu",
        ),
        (
            ["ERROR: Cannot install sageseg: conflicts", "ERROR: ResolutionImpossible: see https"],
            "Cannot install sageseg",
        ),
        (["WARNING: Running pip as root"], "pip ended with exit code 3"),
    ],
)
def test_why_pip_failed_is_told_by_its_last_error(lines: list[str], why: str) -> None:
    command = [sys.executable, "-I", "-S", "-c", "import sys; print(*sys.argv[1:], sep='\\n'); sys.exit(3)", *lines]
    assert (start_wheel.run_pip(command) or "").startswith(why)

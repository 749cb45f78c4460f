"""What all tests share: hypothesis without clocks or chance, and a state folder of their own."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.keys import KEYS
from tests.support.made_once import make_once

if TYPE_CHECKING:
    from jobs.emulator.host.container import Programs

# threads of torch that wait must not spin: several tests, each with its own, share the cores
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# tests compare bytes, which a GPU does not give twice, and start teams on the processor; those of a GPU alone
# are asked for
if not os.environ.get("SAGESEG_TEST_GPU"):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
settings.register_profile("sageseg", deadline=None, derandomize=True)
settings.load_profile("sageseg")


_LONG = ("test_notebooks.py", "test_doc_commands.py", "test_export.py", "test_whole_path.py", "test_process.py")


def pytest_xdist_auto_num_workers() -> int:
    """More than there are cores: half of what tests take is waiting, for servers, browsers and processes."""
    return len(os.sched_getaffinity(0)) + 3


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays: it need not be searched for what nobody needs, neither now nor by each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Each worker begins to load the tests in another folder: to rewrite their asserts is half of the work, and what
    one has written the others only read."""
    report = yield
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("PYTEST_XDIST_WORKER_COUNT")
    if worker and workers and isinstance(collector, pytest.Directory):
        first = int(worker.removeprefix("gw")) * len(report.result) // int(workers)
        report.result = [*report.result[first:], *report.result[:first]]
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin first: as the last they would run on one core, alone. The others follow by
    their names, alike in all workers."""
    items.sort(key=lambda item: (_LONG.index(item.path.name) if item.path.name in _LONG else len(_LONG), item.path))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    """Tests run side by side, one per core: torch's own threads would only wait for each other."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def one_core() -> Iterator[None]:
    """Tests run side by side, one per core: only those that ask for several processes start some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("formats.parallel.available_cores", lambda: 1)
        yield


@pytest.fixture(autouse=True, scope="session")
def no_power_cuts() -> Iterator[None]:
    """What tests leave need not reach the disk; there they would wait for whatever else is written to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        patch.setattr("formats.disk.whole_folders.sync_tree", lambda _: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def what_is_dear_is_made_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def every_emulator_has_the_keys_of_the_tests() -> Iterator[None]:
    """So that clients of AWS, who read them from the environment, need not be told of each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.emulator.keys.new_keys", lambda: KEYS)
        yield


@pytest.fixture(scope="session")
def warm() -> Iterator[Programs]:
    """What an emulator of processing jobs runs, where they are the project's own command."""
    from tests.support.warm_hosts import warm_programs  # which loads what few tests need

    with warm_programs() as programs:
        yield programs


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """The programs of the container speak through the root logger; what they set up there ends with the test."""
    root = logging.getLogger()
    before, level = [*root.handlers], root.level
    yield
    for handler in [*root.handlers]:
        if type(handler) is logging.StreamHandler and handler not in before:
            root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or leaves state in the checkout, or a user's AWS settings."""
    home = tmp_path / "sageseg-home"
    monkeypatch.setenv("SAGESEG_HOME", str(home))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "SAGESEG_ROLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if boto3 := sys.modules.get("boto3"):
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers the credentials of the test before
    return home

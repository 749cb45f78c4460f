"""What the tests of pages and of the comparison share.

Without Chromium they are skipped, except where CI=true says that it must be there. The variable CHROMIUM names
another binary.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright import sync_api

from formats.dataset import Dataset
from tests.support.compared_reports import SAMPLES, make_good, make_poor, make_several
from tests.support.dataset_samples import make_dataset
from tests.support.find_samples import go, make_found_report
from tests.support.page_visits import Visit, started_browser, visiting
from tests.support.viewer_samples import make_viewed_report


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture
def visit(browser: sync_api.Browser) -> Iterator[Visit]:
    with visiting(browser) as opened:
        yield opened


@pytest.fixture(scope="session")
def viewed_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report for the viewer, in which tests may write pages of their own."""
    return make_viewed_report(tmp_path_factory.mktemp("viewed"))


@pytest.fixture(scope="session")
def viewer_address(viewed_report: Path) -> str:
    return (viewed_report / "index.html").as_uri()


@pytest.fixture(scope="module")
def shared_visit(browser: sync_api.Browser) -> Iterator[Visit]:
    with visiting(browser) as opened:
        yield opened


@pytest.fixture
def viewer_page(shared_visit: Visit, viewer_address: str) -> Iterator[sync_api.Page]:
    """The report for the viewer, loaded anew in a page that tests share."""
    shared_visit.page.goto("about:blank")
    shared_visit.page.goto(viewer_address)
    yield shared_visit.page
    assert shared_visit.complaints == []


@pytest.fixture(scope="session")
def found_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report whose images are searched, its predictions and images; tests may write pages into it."""
    root = tmp_path_factory.mktemp("find")
    make_found_report(root)
    return root


@pytest.fixture
def found_page(shared_visit: Visit, found_report: Path) -> Iterator[Visit]:
    """That report, loaded anew in a page that tests share."""
    go(shared_visit, found_report)
    yield shared_visit
    assert shared_visit.complaints == []


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The dataset of the compared reports, which tests only read; other tests have one of their own by that name."""
    return make_dataset(tmp_path_factory.mktemp("compared") / "dataset", SAMPLES)


@pytest.fixture(scope="session")
def compared(dataset: Dataset) -> Path:
    """The folder that holds the reports `good` and `poor` on it, and `left` and `right` of three classes."""
    root = dataset.root.parent
    make_good(root, dataset)
    make_poor(root, dataset)
    make_several(root)
    return root


@pytest.fixture
def good(compared: Path, tmp_path: Path) -> Path:
    """A copy, which the test may spoil; so are those below."""
    return shutil.copytree(compared / "good", tmp_path / "good")


@pytest.fixture
def poor(compared: Path, tmp_path: Path) -> Path:
    return shutil.copytree(compared / "poor", tmp_path / "poor")


@pytest.fixture
def several(compared: Path, tmp_path: Path) -> list[Path]:
    return [shutil.copytree(compared / name, tmp_path / name) for name in ("left", "right")]

"""What the tests of pages share.

Without Chromium they are skipped, except where CI=true says that it must be there. The variable CHROMIUM names
another binary.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright import sync_api

from tests.support.page_visits import Visit, started_browser, visiting


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture
def visit(browser: sync_api.Browser) -> Iterator[Visit]:
    with visiting(browser) as opened:
        yield opened

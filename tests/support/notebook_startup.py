"""What a notebook's kernel runs before the first cell, where PYTHONSTARTUP names this file."""

import pytest

from formats import parallel
from jobs.tracking.job_calls import POLL_SECONDS
from tests.support.made_once import make_once
from tests.support.typed_commands import type_instead_of_starting

parallel.available_cores = lambda: 1
POLL_SECONDS["aws"] = POLL_SECONDS["local"]  # what stands for AWS here answers at once
make_once(pytest.MonkeyPatch())
type_instead_of_starting()

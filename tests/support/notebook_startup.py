"""What a notebook's kernel runs before the first cell, where PYTHONSTARTUP names this file."""

from formats import parallel
from tests.support.typed_commands import type_instead_of_starting

parallel.available_cores = lambda: 1
type_instead_of_starting()

"""What a notebook's kernel runs before the first cell, where PYTHONSTARTUP names this file."""

from tests.support.typed_commands import type_instead_of_starting

type_instead_of_starting()

PYTHON ?= python3
# Extra arguments for pip, such as an index of your own.
PIP_ARGS ?=
BIN := .venv/bin

.PHONY: setup demo test check format clean

setup: .venv/.ready

# A torch that is in .venv already stays: its line of the constraints is left out then.
.venv/.ready: setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	if $(BIN)/python -c 'import torch' 2>/dev/null; then grep -v '^torch==' constraints.txt; else cat constraints.txt; fi > .venv/constraints.txt
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) --constraint .venv/constraints.txt --editable '.[test]'
	touch $@

demo: setup
	$(BIN)/sageseg demo

test: setup
	$(BIN)/pytest

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis sageseg-demo

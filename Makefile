PYTHON ?= python3
# Extra arguments for pip, such as an index of your own.
PIP_ARGS ?=
BIN := .venv/bin

MXNET := .venv/mxnet
SDK := .venv/sdk
LABELME := .venv/labelme
TIMM := .venv/timm
LABELSTUDIO := .venv/labelstudio
CLEANLAB := .venv/cleanlab
MXNET_VERSIONS := 1.4.1 1.5.1 1.6.0 1.7.0.post2 1.8.0.post0

.PHONY: setup demo test check oracles format clean

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

# Comparisons that need an environment of their own: mxnet and GluonCV are retired, and big.
oracles: setup $(MXNET)/.ready $(SDK)/.ready $(LABELME)/.ready $(TIMM)/.ready $(LABELSTUDIO)/.ready $(CLEANLAB)/.ready
	for v in $(MXNET_VERSIONS); do PYTHONPATH=$(MXNET)/old/$$v $(MXNET)/bin/python -W ignore oracles/mxnet_params.py || exit 1; done
	$(MXNET)/bin/python -W ignore oracles/mxnet_params.py
	$(MXNET)/bin/python -W ignore oracles/mxnet_optimizers.py
	$(MXNET)/bin/python -W ignore oracles/gluoncv_golden.py
	$(LABELME)/bin/python oracles/labelme_golden.py tests/data/golden
	$(TIMM)/bin/python -W ignore oracles/timm_golden.py
	$(LABELSTUDIO)/bin/python oracles/labelstudio_golden.py tests/data/golden
	$(BIN)/pytest tests/algorithm/test_gluoncv.py tests/algorithm/test_pretrained.py tests/algorithm/test_optimizers.py tests/algorithm/test_params.py tests/prep/test_labelme_shapes.py tests/prep/test_labelstudio_golden.py
	$(BIN)/python oracles/sdk_clients.py $(SDK)/bin/python
	$(BIN)/python oracles/sdk_model_trainer.py $(SDK)/bin/python
	$(BIN)/python oracles/cleanlab_suspects.py $(CLEANLAB)/bin/python

$(MXNET)/.ready: oracles/gluoncv_requirements.txt
	$(PYTHON) -m venv $(MXNET)
	$(MXNET)/bin/pip install --quiet $(PIP_ARGS) -r $<
	for v in $(MXNET_VERSIONS); do $(MXNET)/bin/pip install --quiet $(PIP_ARGS) --no-deps --target $(MXNET)/old/$$v mxnet==$$v || exit 1; done
	touch $@

$(SDK)/.ready: oracles/sdk_requirements.txt
	$(PYTHON) -m venv $(SDK)
	$(SDK)/bin/pip install --quiet $(PIP_ARGS) -r $<
	touch $@

$(LABELME)/.ready: oracles/labelme_requirements.txt
	$(PYTHON) -m venv $(LABELME)
	$(LABELME)/bin/pip install --quiet $(PIP_ARGS) -r $<
	touch $@

$(TIMM)/.ready: oracles/timm_requirements.txt
	$(PYTHON) -m venv $(TIMM)
	$(TIMM)/bin/pip install --quiet $(PIP_ARGS) -r $<
	touch $@

$(LABELSTUDIO)/.ready: oracles/labelstudio_requirements.txt
	$(PYTHON) -m venv $(LABELSTUDIO)
	$(LABELSTUDIO)/bin/pip install --quiet $(PIP_ARGS) -r $<
	touch $@

$(CLEANLAB)/.ready: oracles/cleanlab_requirements.txt
	$(PYTHON) -m venv $(CLEANLAB)
	$(CLEANLAB)/bin/pip install --quiet $(PIP_ARGS) -r $<
	touch $@

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis sageseg-demo

PYTHON ?= python3
# Extra arguments for pip, such as an index of your own.
PIP_ARGS ?=
BIN := .venv/bin

MXNET := .venv/mxnet
ORACLES := mxnet sdk labelme timm cvat labelstudio supervisely cleanlab triton mlflow dvc
MXNET_VERSIONS := 1.4.1 1.5.1 1.6.0 1.7.0.post2 1.8.0.post0

.PHONY: setup demo docs docs-notebooks pictures test check trust oracles format clean

setup: .venv/.ready

# torch first: the build for processors where no NVIDIA driver is found (setup_torch.py). One that is in .venv already stays: its
# line of the constraints is left out then.
.venv/.ready: setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python setup_torch.py $(PIP_ARGS)
	if $(BIN)/python -c 'import torch' 2>/dev/null; then grep -v '^torch==' constraints.txt; else cat constraints.txt; fi > .venv/constraints.txt
	$(BIN)/python -m pip install $(PIP_ARGS) --constraint .venv/constraints.txt --editable '.[test]'
	touch $@

demo: setup
	$(BIN)/sageseg demo

test: setup
	$(BIN)/pytest

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m docsite check

# The docs as a site, at http://127.0.0.1:8000 until Ctrl-C.
docs: setup
	$(BIN)/python -m docsite serve

# The notebooks, run for the docs, which then show their outputs: minutes, because they train.
docs-notebooks: setup
	$(BIN)/python -m docsite notebooks

# The pictures of the docs, from the demo's drawn cars: minutes, because it trains.
pictures: setup
	$(BIN)/python -m docsite pictures

# What is killed, damaged, lost and asked at once, and what is lost by it: docs/trust.md. Under 30 minutes on 2 cores.
trust: setup
	$(BIN)/python -m trust

# Comparisons that need an environment of their own: mxnet and GluonCV are retired, and big.
oracles: setup $(ORACLES:%=.venv/%/.ready)
	for v in $(MXNET_VERSIONS); do PYTHONPATH=$(MXNET)/old/$$v $(MXNET)/bin/python -W ignore oracles/mxnet_params.py || exit 1; done
	$(MXNET)/bin/python -W ignore oracles/mxnet_params.py
	$(MXNET)/bin/python -W ignore oracles/mxnet_optimizers.py
	$(MXNET)/bin/python -W ignore oracles/gluoncv_golden.py
	.venv/labelme/bin/python oracles/labelme_golden.py tests/data/golden
	.venv/timm/bin/python -W ignore oracles/timm_golden.py
	.venv/cvat/bin/python -W ignore oracles/cvat_golden.py tests/data/golden
	.venv/labelstudio/bin/python oracles/labelstudio_golden.py tests/data/golden
	.venv/supervisely/bin/python -W ignore oracles/supervisely_golden.py tests/data/golden
	$(BIN)/pytest tests/algorithm/test_gluoncv.py tests/algorithm/test_pretrained.py tests/algorithm/test_optimizers.py tests/algorithm/test_params.py tests/prep/test_labelme_shapes.py tests/prep/test_labelstudio_golden.py tests/prep/test_cvat_shapes.py tests/prep/test_supervisely.py tests/analysis/test_cvat_export.py
	$(BIN)/python oracles/sdk_clients.py .venv/sdk/bin/python
	$(BIN)/python oracles/sdk_model_trainer.py .venv/sdk/bin/python
	$(BIN)/python oracles/cleanlab_suspects.py .venv/cleanlab/bin/python
	$(BIN)/python oracles/mlflow_record.py .venv/mlflow/bin/mlflow
	$(BIN)/python oracles/dvc_repro.py .venv/dvc/bin/dvc
	.venv/triton/bin/python oracles/triton_compiled.py
	.venv/triton/bin/python oracles/triton_interpreted.py

.venv/%/.ready: oracles/%_requirements.txt
	$(PYTHON) -m venv .venv/$*
	.venv/$*/bin/pip install --quiet $(PIP_ARGS) -r $<
	if test $* = mxnet; then for v in $(MXNET_VERSIONS); do $(MXNET)/bin/pip install --quiet $(PIP_ARGS) --no-deps --target $(MXNET)/old/$$v mxnet==$$v || exit 1; done; fi
	touch $@

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis sageseg-demo sageseg-runs

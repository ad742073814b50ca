# make run: everything a first look needs.  make test: lint, types and the whole suite.
# make quick: what the inner loop needs, without training and real servers.  make mutants: do the tests notice?
# make screenshots: the pictures of the documents, from the demo.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --disable-pip-version-check -q -c constraints.txt
WORKERS ?= 2
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
MINUTES ?= 20

.PHONY: run test quick lint types units mutants screenshots clean

run: $(VENV)/run.stamp
	$(BIN)/helpdesk init
	$(BIN)/helpdesk serve

test: $(VENV)/test.stamp
	$(MAKE) -j2 lint types
	$(PYTEST)

quick: $(VENV)/test.stamp
	$(MAKE) -j2 lint types units

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp
	$(BIN)/mypy

units: $(VENV)/test.stamp
	$(PYTEST) -q -m "not slow"

mutants: $(VENV)/mutants.stamp
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python benchmarks/mutants.py --minutes $(MINUTES) --workers $(WORKERS)

screenshots: $(VENV)/test.stamp
	$(BIN)/python benchmarks/screenshots.py

$(VENV)/run.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing (a few minutes the first time) ..."
	$(PIP) -e '.[train]'
	touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(PIP) -e '.[test]'
	touch $@

$(VENV)/mutants.stamp: $(VENV)/test.stamp
	$(PIP) -e '.[mutants]'
	touch $@

clean:
	rm -rf $(VENV) var mutants

# make run: everything a first look needs.  make test: lint, types and the whole suite.
# make quick: what the inner loop needs, without training and real servers.  make mutants: do the tests notice?
# make install: what `make run` installs, by the hashes in locks/; make install-serving: without what learns.
# make lock: write locks/ anew after a change of pyproject.toml (UPGRADE=--upgrade: the newest versions).
# make sbom: what is installed, as sbom.json (CycloneDX).  make audit ADVISORIES=path: known vulnerabilities, offline.
# make torture: kill, freeze, fill up, damage; writes docs/reliability.md.  make soak: hours of mixed traffic; is it flat?
# make screenshots: the pictures of the documents, from the demo.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --disable-pip-version-check -q --no-deps --no-build-isolation
LOCKED := $(PIP) --require-hashes
WORKERS ?= 3
# Bytecode is kept, whatever the machine's environment says: each command that a test starts would compile everything.
export PYTHONDONTWRITEBYTECODE :=
# Without the plugin of schemathesis, which each process would load at its start and no test uses.
PYTEST := $(BIN)/pytest -p no:schemathesis -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: run install install-serving test quick lint types suite units mutants torture soak lock sbom audit screenshots clean

run: $(VENV)/run.stamp
	$(BIN)/helpdesk init
	$(BIN)/helpdesk serve

install: $(VENV)/run.stamp

install-serving: $(VENV)/serve.stamp

test: $(VENV)/test.stamp
	$(MAKE) -j2 lint types suite

quick: $(VENV)/test.stamp
	$(MAKE) -j2 lint types units

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp
	$(BIN)/mypy

suite: $(VENV)/test.stamp
	$(PYTEST)

units: $(VENV)/test.stamp
	$(PYTEST) -q -m "not slow"

mutants: MINUTES ?= 20
mutants: $(VENV)/test.stamp
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python benchmarks/mutants.py --minutes $(MINUTES) --workers $(WORKERS)

torture: $(VENV)/test.stamp
	PYTHONPATH=tests:benchmarks $(BIN)/python -m torture $(TORTURE)

soak: MINUTES ?= 30
soak: $(VENV)/test.stamp
	PYTHONPATH=tests:benchmarks $(BIN)/python -m torture.soak --minutes $(MINUTES)

screenshots: $(VENV)/test.stamp
	$(BIN)/python benchmarks/screenshots.py

lock: $(VENV)/test.stamp
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python deploy/lock.py $(UPGRADE)

sbom: $(VENV)/test.stamp
	cat locks/serve.txt locks/train.txt locks/torch-cpu.txt | \
	  $(BIN)/cyclonedx-py requirements - --pyproject pyproject.toml --output-reproducible -o sbom.json

audit: $(VENV)/test.stamp
	$(BIN)/python deploy/audit.py "$(ADVISORIES)"

$(VENV)/serve.stamp: pyproject.toml locks/build.txt locks/serve.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing (a few minutes the first time) ..."
	$(LOCKED) -r locks/build.txt
	$(LOCKED) -r locks/serve.txt
	$(PIP) -e .
	touch $@

# torch is the build for the CPU where pip finds one, else the usual one.
$(VENV)/run.stamp: $(VENV)/serve.stamp locks/train.txt locks/torch-cpu.txt locks/torch.txt
	$(LOCKED) -r locks/torch-cpu.txt 2>/dev/null || $(LOCKED) -r locks/torch.txt
	$(LOCKED) -r locks/train.txt
	touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp locks/test.txt
	$(LOCKED) -r locks/test.txt
	touch $@

clean:
	rm -rf $(VENV) var mutants sbom.json

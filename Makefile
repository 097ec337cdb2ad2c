# make setup     the virtual environment in .venv, which holds the walrus-ha command
# make rehearse  the three core scenarios in the embedded lab
# make test      the tests, in every lab that this machine offers; of the scenarios outside the embedded lab, the core
# make check     ruff, mypy, the import contract
# make doctor    which labs this machine offers, and what the others lack
# make labs      Docker, User Mode Linux, the image tools and the labs' images, from Debian's packages
# make labs-qemu  QEMU, Debian's stock kernel and their image, for machines with WALRUS_HA_MACHINES=qemu
# make containers  all scenarios in the containers lab
# make kills     a move killed at 20 random moments in the containers lab, each time started again
# make cuts      a move in the machines lab in which engine or hosts are cut down at 40 random moments, and once after it
# make conformance  every recorded call of DRBD, put to two kernels and to the fakes, and how far they agree; as root
# make sabotage  engines that are broken on purpose, and which check catches each
# make seeds     our engine's move over many stores (WALRUS_HA_SEEDS, 10000), judged: how many false alarms
# make sweep     every fault at every command of the engine; DEPTH=2 for pairs, SEED=N for another store
# make fuzz      every parser of foreign text fed with 100,000 mangled inputs (WALRUS_HA_FUZZ=N for another number)
# make bench     the measurements
# make dist      a wheel with everything in it, and beside it the list of what it needs (CycloneDX), in dist/
# make clean     remove what was built, and what a lab left running; keeps .venv, images and runs/

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
JOBS ?= auto
DEPTH ?= 1
SEED ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests that start kernels, one after the other: each file builds on one lab, and several at once only wait for each other.
KERNELS := $(wildcard tests/labs/test_machines*.py tests/labs/test_privileged*.py)

.PHONY: help setup rehearse test check doctor labs labs-qemu containers kills cuts conformance sabotage seeds sweep fuzz bench dist clean

help:
	@sed -n 's/^# make /make /p' Makefile

setup: $(READY)

# Made anew when what it depends on changes, and at no other time.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "walrus-ha needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version`: make setup PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || images/install python3-venv
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

rehearse: setup
	$(BIN)/walrus-ha rehearse scenarios/core

test: setup
	$(BIN)/pytest -n $(JOBS) --dist loadgroup --walrus-lab simulated $(addprefix --ignore=,$(KERNELS))
	$(BIN)/pytest $(KERNELS)
	$(BIN)/pytest scenarios/core --walrus-lab containers --walrus-lab machines

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

doctor: setup
	$(BIN)/walrus-ha doctor

labs: setup
	images/provide labs $(BIN)/python

labs-qemu: setup
	images/provide labs-qemu $(BIN)/python

containers: setup
	$(BIN)/walrus-ha rehearse --lab containers scenarios

kills: setup
	WALRUS_HA_KILLS=20 $(BIN)/pytest tests/labs/test_killed_engine.py -s

cuts: setup
	WALRUS_HA_CUTS=40 $(BIN)/pytest -n 2 --dist load -rP tests/labs/test_machines_cut_at_random.py

conformance: setup
	$(BIN)/python -m tests.conformance

sabotage: setup
	$(BIN)/python -m tests.broken

seeds: setup
	WALRUS_HA_SEEDS=$(or $(WALRUS_HA_SEEDS),10000) $(BIN)/python -m tests.false_alarms

sweep: setup
	$(BIN)/walrus-ha sweep --depth $(DEPTH) $(if $(SEED),--seed $(SEED))

fuzz: setup
	$(BIN)/python -m tests.fuzz

bench: setup
	$(BIN)/python -m tests.bench

# The list is made of an environment that holds the wheel and what it needs, and nothing else.
dist: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[release]'
	rm -rf dist build
	$(BIN)/python -m build --wheel --no-isolation
	$(PYTHON) -m venv --without-pip build/environment
	$(BIN)/python -m pip --python build/environment/bin/python install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --of JSON -o "$$(ls dist/*.whl | sed 's/whl$$/cdx.json/')" build/environment/bin/python
	ls -l dist

clean:
	@if [ -x $(BIN)/python ]; then for lab in docker machine; do $(BIN)/python -m harness.labs.$${lab}_cleanup --all || true; done; fi
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

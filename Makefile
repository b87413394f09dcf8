# Everything a person or CI runs. Each target does all its own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: help setup demo test test-fast lint format bench docs requirements clean

help:
	@echo "make demo    a fleet of three on this machine: broker, aggregator, agents, dashboard"
	@echo "make test    every test, with everything it needs"
	@echo "make lint    ruff, mypy, import contracts"
	@echo "make bench   the measured figures of the README"
	@echo "make docs    the generated parts of docs/"
	@echo "make setup   only the set-up: $(VENV) and the Debian packages for tests"

# --- set-up ---------------------------------------------------------------------------------------
$(BIN)/python:
	$(PYTHON) deploy/check_python.py
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-ready: $(BIN)/python requirements/demo.txt pyproject.toml
	@echo "Installing what the demo needs (about 270 MB on disk, no TensorFlow) ..."
	$(PIP) --require-hashes -r requirements/demo.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.all-ready: $(BIN)/python requirements/all.txt pyproject.toml
	@echo "Installing what the tests and the factory need (about 1.5 GB with TensorFlow) ..."
	$(PIP) --require-hashes -r requirements/all.txt
	$(PIP) --no-deps --editable .
	@touch $@ $(VENV)/.demo-ready

$(VENV)/.debian-ready: deploy/debian-packages.txt deploy/install-debian-packages.sh | $(BIN)/python
	sh deploy/install-debian-packages.sh
	@touch $@

setup: $(VENV)/.all-ready $(VENV)/.debian-ready

# --- the main job ---------------------------------------------------------------------------------
demo: $(VENV)/.demo-ready
	$(BIN)/aggregator demo $(DEMO)

# --- proof ----------------------------------------------------------------------------------------
test: setup
	$(BIN)/python -m pytest $(TESTS)

test-fast: setup
	$(BIN)/python -m pytest -m "not slow and not exhaustive" $(TESTS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup
	$(BIN)/python benchmarks/pipeline_cost.py
	$(BIN)/python -m benchmarks.ingest_rate
	$(BIN)/python -m benchmarks.paging

docs: $(VENV)/.demo-ready
	$(BIN)/python docs/refresh_protocol.py
	$(BIN)/python docs/refresh_commands.py

# --- upkeep ---------------------------------------------------------------------------------------
# Needs uv on the path; the files hold no address of any registry.
PIN := uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	--generate-hashes --no-emit-index-url --constraint requirements/held-back.txt pyproject.toml
requirements:
	$(PIN) --all-extras --output-file requirements/all.txt
	$(PIN) --extra edge --constraint requirements/all.txt --output-file requirements/edge.txt
	$(PIN) --extra aggregator --extra postgres --constraint requirements/all.txt \
		--output-file requirements/aggregator.txt
	$(PIN) --extra edge --extra aggregator --extra embedded-broker --constraint requirements/all.txt \
		--output-file requirements/demo.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

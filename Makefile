# Needs only make and Python >= 3.11 with venv; everything else is installed into .venv, hash-checked from requirements.lock.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
MEMBERS := shared services/export-api services/export-worker services/janitor deploy/ops deploy/local
STAMP   := $(VENV)/.installed

WORKERS ?= 1
ONCE    ?=
REQUIRE ?=
ROUNDS  ?= 5
TICKETS ?= 1000000
PYTEST  ?=

.PHONY: help setup demo test bench up down lint format lock clean

help: ## Show the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv with everything locked (the other commands do it by themselves)

$(STAMP): requirements.lock pyproject.toml $(foreach m,$(MEMBERS),$(m)/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || { echo "1/3 creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "2/3 installing locked dependencies"
	@awk '/^uv==/ {p=1} p && !/^(uv==| )/ {exit} p' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@echo "3/3 installing the workspace"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(foreach m,$(MEMBERS),-e ./$(m))
	@touch $@

demo: $(STAMP) ## Start everything, export real tickets while they change, prove it (ONCE=1 exits afterwards)
	@$(BIN)/stack demo $(if $(ONCE),--once)

test: $(STAMP) ## Run every test on real servers (REQUIRE=all turns a skip into a failure, PYTEST=… adds arguments)
	@$(BIN)/stack fetch
	@REQUIRE=$(REQUIRE) $(BIN)/python -m pytest $(PYTEST)

bench: $(STAMP) ## Measure what exactness costs, on a PostgreSQL of its own (TICKETS=N, ROUNDS=N)
	@PYTHONPATH=tests $(BIN)/python -m bench --tickets $(TICKETS) --rounds $(ROUNDS)

faults: $(STAMP) ## Run the fault suite, which is apart: servers and services killed, stalled, cut off
	@$(BIN)/stack fetch
	@REQUIRE=$(REQUIRE) $(BIN)/python -m pytest tests/faults $(PYTEST)

up: $(STAMP) ## Start the stack in the background (WORKERS=N), write .local/stack.env
	@$(BIN)/stack up --workers $(WORKERS)

down: $(STAMP) ## Stop what `make up` started
	@$(BIN)/stack down

lint: $(STAMP) ## Check format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(STAMP) ## Format and apply safe fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## Renew requirements.lock, and what the images install, from the pyproject files
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	@$(BIN)/uv lock --quiet --upgrade
	@$(BIN)/uv export --quiet --all-packages --no-emit-workspace --no-header --no-annotate --output-file requirements.lock > /dev/null
	@$(BIN)/uv export --quiet --frozen --no-dev --no-emit-workspace --no-header --no-annotate --output-file deploy/docker/services.lock \
	  $(foreach p,export-api export-worker janitor export-ops,--package $(p)) > /dev/null
	@$(BIN)/uv export --quiet --frozen --only-group build --no-header --no-annotate --output-file deploy/docker/build.lock > /dev/null

clean: ## Stop the stack, remove the environment and local data (keeps the download cache)
	@test ! -x $(BIN)/stack || $(BIN)/stack down --delete
	@rm -rf $(VENV) .local

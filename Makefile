# Needs python3 (3.11 or newer) with its venv module, and make. Everything else goes into .venv.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 4
# By how fast the machine is: see tests/conftest.py.
TEST_PROCESSES ?= auto

BIN := .venv/bin
# What leans most on the database's locks and transactions: tested on PostgreSQL as well as on SQLite.
DATABASE_TESTS := tests/test_registry.py tests/test_outputs.py tests/test_journal.py tests/test_limits.py tests/test_watch.py tests/test_purge.py tests/test_database.py tests/test_inputs.py tests/postgres
RUNTIME := .venv/.runtime-installed
CLUSTER := .venv/.cluster-installed
DEV := .venv/.dev-installed
DEMO := .venv/.demo-installed
BUILD := .venv/.build-installed
LOWEST := .venv-lowest
BROWSER_PACKAGES := tests/browser/node_modules/.installed
# Chromium, for one, would set the mere niceness of its processes itself.
GIVING_WAY := $(shell chrt --idle 0 true 2>/dev/null && echo chrt --idle 0 || echo nice -n 19)
PYTEST := $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
INSTALL := scripts/install --python $(BIN)/python
# What that runs.
UV := uv>=0.9,<1

# The live tests start servers by the dozen: what those import is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo cluster test test-first test-others test-long test-databases test-postgres test-lowest lint format bench bench-outputs bench-turns bench-cluster wheel chromium

help:  ## Show what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: $(RUNTIME)  ## Start the demo on HOST and PORT (127.0.0.1:8000)
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py demo_admin
	@echo "Demo:  http://$(HOST):$(PORT)/"
	@exec $(BIN)/daphne --bind $(HOST) --port $(PORT) fastrtc_project.asgi:application

demo: $(DEMO) run  ## The same with the assistant, whose models it installs first (150 MB)

cluster: $(CLUSTER)  ## Start the demo on WORKERS (4) processes, with a Redis of its own unless REDIS_URL is set
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py demo_admin
	@echo "Demo:  http://$(HOST):$(PORT)/"
	@exec $(BIN)/python scripts/cluster.py $(WORKERS) $(HOST) $(PORT)

test: chromium $(BROWSER_PACKAGES)  ## Lint, and run every test
	@$(MAKE) --no-print-directory --jobs=3 test-first test-others

# What judges live audio mostly waits. Beside it runs what can wait. What it prints itself comes in one piece.
test-first: $(BROWSER_PACKAGES)
	@printed=$$($(BIN)/python -m pytest -m "first and not long" 2>&1); status=$$?; printf '\n%s\n' "$$printed"; exit $$status

test-others: $(BROWSER_PACKAGES)
	@$(GIVING_WAY) $(MAKE) --no-print-directory --output-sync=target lint test-databases
	$(GIVING_WAY) $(PYTEST) -m "not first and not long"

test-long: $(DEV)  ## Run what takes minutes: calls and failures at full length
	$(BIN)/python -m pytest -m long

test-databases: $(DEV)  ## Run what leans most on the database, on PostgreSQL
	$(BIN)/python -m tests.postgres $(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(DATABASE_TESTS)

test-postgres: chromium $(BROWSER_PACKAGES)  ## Run every test on PostgreSQL
	$(BIN)/python -m tests.postgres $(PYTEST) -m "not first and not long"

test-lowest: $(DEV)  ## Run what needs no server, on the lowest versions that the requirements allow
	$(PYTHON) -m venv $(LOWEST)
	scripts/install --python $(LOWEST)/bin/python --resolution lowest-direct --requirement requirements-demo.txt \
		--requirement requirements-call.txt --requirement requirements-cluster.txt
	$(LOWEST)/bin/python -m pip freeze > $(LOWEST)/constraints.txt
	scripts/install --python $(LOWEST)/bin/python --constraint $(LOWEST)/constraints.txt --requirement requirements-dev.txt
	$(LOWEST)/bin/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile -m "not live and not long"

lint: $(DEV)  ## Check style, types, migrations and the demo project
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

format: $(DEV)  ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV)  ## Measure latency, CPU and memory against bare echoes and FastRTC
	$(BIN)/python -m benchmarks

bench-outputs: $(DEV)  ## Measure audio beside outputs, their readers, large inputs and a busy handler
	$(BIN)/python -m benchmarks.outputs

bench-turns: $(DEV)  ## Measure turn taking, ours and FastRTC's
	$(BIN)/python -m benchmarks.turns

wheel: $(BUILD)  ## Build the package into dist/
	$(BIN)/python -m build --installer uv --outdir dist .

bench-cluster: $(DEV)  ## Measure what crosses workers, on 1, 2 and 4 of them
	$(BIN)/python -m benchmarks.cluster

chromium:
	@scripts/install-chromium

$(BIN)/python:
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "$(PYTHON) has no venv module (Debian: apt-get install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip --disable-pip-version-check --quiet --quiet install "$(UV)" || { rm -rf .venv; exit 1; }

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing the requirements into .venv"
	@$(INSTALL) --requirement requirements.txt
	@touch $@

$(DEMO): requirements-demo.txt requirements-vad.txt requirements-stt.txt requirements-tts.txt $(RUNTIME)
	@echo "Installing the assistant's models into .venv"
	@$(INSTALL) --requirement requirements-demo.txt
	@touch $@

$(CLUSTER): requirements-cluster.txt $(RUNTIME)
	@echo "Installing what several workers need into .venv"
	@$(INSTALL) --requirement requirements-cluster.txt
	@touch $@

$(DEV): requirements-dev.txt requirements-cluster.txt requirements-demo.txt requirements-vad.txt requirements-stt.txt \
		requirements-tts.txt $(RUNTIME)
	@echo "Installing the development requirements into .venv"
	@$(INSTALL) --requirement requirements-dev.txt
	@touch $@

$(BUILD): requirements-dev.txt | $(BIN)/python
	@$(INSTALL) "$$(grep '^build' $<)"
	@touch $@

# The cache is named so that nothing depends on a home directory. The Node.js of the wheel knows its own list of
# certificate authorities alone; the option adds the system's.
$(BROWSER_PACKAGES): $(wildcard tests/browser/package.json tests/browser/package-lock.json) $(DEV)
	@if [ -f tests/browser/package.json ]; then \
		PATH="$(CURDIR)/$(BIN):$$PATH" NODE_OPTIONS=--use-system-ca npm --prefix tests/browser --cache .venv/npm-cache \
			--no-audit --no-fund --no-update-notifier --loglevel=error ci; \
	fi
	@mkdir -p $(@D) && touch $@

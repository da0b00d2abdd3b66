# Everything a person does with this project. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run test test-browser test-wrong-rules test-all simulate mutants check demo bench chaos lock format clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Two stamps: the product, and the product with its test tools. Both from locks with hashes.
.venv/.ready: requirements/local.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Baraza needs Python 3.11 or newer. Yours: $$($(PYTHON) --version). Try: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	  || { rm -rf .venv; echo "This Python cannot make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing Baraza into .venv (once)..."
	@$(INSTALL) --require-hashes -r requirements/local.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.ready-dev: requirements/dev.txt .venv/.ready
	@echo "Installing the test tools into .venv (once)..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

run: .venv/.ready ## start everything on this machine; Ctrl-C stops it and keeps the data
	@$(BIN)/baraza up

demo: .venv/.ready ## three withdrawals through the real doors: paid, refused, silent-then-paid
	@$(BIN)/baraza demo

test: .venv/.ready-dev ## every test, on real servers that start and stop by themselves
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/browser --ignore tests/chaos/test_wrong_rules.py

test-browser: .venv/.ready-dev ## the phone page in Chromium, which must be installed
	$(BIN)/python -m pytest tests/browser

simulate: .venv/.ready-dev ## play seeds of the whole saga on a clock of its own; ARGS="--seed 7 --trace"
	$(BIN)/python -m tests.simulation $(ARGS)

mutants: .venv/.ready-dev ## break the core in every small way and see that tests notice; minutes
	$(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

test-wrong-rules: .venv/.ready-dev ## chaos finds each rule that is broken on purpose, about five minutes
	$(BIN)/python -m pytest tests/chaos/test_wrong_rules.py

test-all: test test-browser test-wrong-rules simulate ## all of them

# What Baraza is measured against has a venv of its own and never meets the product's.
.venv-peers/.ready: requirements/peers.txt
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	@echo "Installing what Baraza is measured against into .venv-peers (once)..."
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/peers.txt
	@npm install --silent --no-save --prefix var/bench/node @restatedev/restate-server@1.7.12 >/dev/null 2>&1 \
	  || echo "npm could not install Restate's server; the bench goes on without it."
	@touch $@

bench: .venv/.ready-dev .venv-peers/.ready ## how fast, beside what people use instead, as table and var/bench/report.html; WHAT=report, hops, console, audits: a part; ARGS="--rounds 1"
	$(BIN)/python -m tests.bench $(or $(WHAT),all) $(ARGS)

chaos: .venv/.ready-dev ## kill, cut, forge and lose while members withdraw, then judge; ARGS="--payouts 10000"
	$(BIN)/python -m tests.chaos $(ARGS)

check: .venv/.ready-dev ## format, lint, types, import rules, Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile

format: .venv/.ready-dev ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

lock: .venv/.ready-dev ## resolve the requirement locks anew from pyproject.toml
	$(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade pyproject.toml requirements/build.in -o requirements/server.txt
	$(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --extra embedded -c requirements/server.txt pyproject.toml requirements/build.in -o requirements/local.txt
	$(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --extra embedded --extra dev -c requirements/server.txt pyproject.toml requirements/build.in -o requirements/dev.txt
	$(BIN)/uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -c requirements/server.txt requirements/peers.in -o requirements/peers.txt

clean: ## remove .venv and caches, never var/
	rm -rf .venv .venv-peers build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

# Fleetdesk's standing commands. `make help` lists them. A fresh machine needs python3 (3.11 or newer), make, git and ssh.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# A product of many processes, each of which would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo demo-reset story ready-to-test test browser check bench recordings screenshots lock format clean
.PHONY: check-types check-playbooks check-style check-imports check-django check-templates

help: ## what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## set all up and run the product with a simulated school; Ctrl-C stops it
	@$(BIN)/python -m config.demo

demo-reset: .venv/ready ## the same, afresh: what the last demo kept is thrown away
	@$(BIN)/python -m config.demo --reset

story: .venv/ready ## the main job, headless, on the same pieces: prints each step, exits 0 or 1
	@$(BIN)/python -m config.demo.story

ready-to-test: .venv/ready-dev ## what every run of the tests begins with: all compiled, a database migrated (POSTGRES=URL: there too)
	@mkdir -p build
	@env -u DATABASE_URL $(call collect,)
	$(if $(POSTGRES),@DATABASE_URL=$(POSTGRES) $(call collect,tests/unit/events))
collect = $(BIN)/pytest --collect-only -qq $(1) >build/collected || { cat build/collected; exit 1; }

test: .venv/ready-dev ## the whole suite on the embedded default (DATABASE_URL and BROKER_URL choose others)
	@$(BIN)/pytest -m "not browser" -n $${TEST_WORKERS:-2} $(TEST_OPTIONS)

browser: .venv/ready-dev ## the browser tests; they need chromium
	@$(BIN)/pytest -m browser -n $${TEST_WORKERS:-2} $$(grep -rl --include='test_*.py' 'mark\.browser' tests)

# Its parts know nothing of each other; `make -j2 check` does them side by side, the longest first.
check: $(addprefix check-,types playbooks style imports django templates) ## ruff, mypy, import-linter, Django's checks, migrations, templates, playbooks

check-types: .venv/ready-dev
	$(BIN)/mypy

check-playbooks: .venv/ready-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ansible-lint --offline --strict -q -c .ansible-lint playbooks

check-style: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-imports: .venv/ready-dev
	$(BIN)/lint-imports --no-cache

check-django: .venv/ready-dev
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run

check-templates: .venv/ready-dev
	$(BIN)/djlint --lint --quiet fleet helpdesk

bench: .venv/ready-dev ## the benchmarks; prints a table and writes build/bench.json
	@$(BIN)/python -m tests.bench

recordings: .venv/ready-dev ## what we read of recorded devices, field by field: FOLDER=… with serve.py and expected.json
	@$(BIN)/python -m tests.recordings $(FOLDER) --misses

screenshots: .venv/ready-dev ## the pictures of the README, taken from the running demo; needs chromium
	@$(BIN)/python -m tests.web.screenshots

lock: .venv/ready-dev ## pin all dependencies with hashes, from pyproject.toml
	$(BIN)/pip-compile $(LOCK) -o requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
LOCK := --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--no-emit-options --allow-unsafe --no-header

format: .venv/ready-dev ## bring the code into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## remove what the commands above made, the demo's data included
	rm -rf .venv build var

# --- the environment ------------------------------------------------------------------------------------------------------

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Fleetdesk needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv

.venv/ready: requirements.lock .venv/bin/python $(shell find fleet helpdesk -name '*.po' 2>/dev/null)
	@echo "Setting up the environment from requirements.lock …"
	@test -e .venv/ready-dev || $(PIP) -r requirements.lock
	@$(BIN)/python -m config.translations
	@touch $@

.venv/ready-dev: requirements-dev.lock .venv/ready
	@echo "Setting up the development environment from requirements-dev.lock …"
	@$(PIP) -r requirements-dev.lock
	@touch $@

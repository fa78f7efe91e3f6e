# Two commands are enough for a start: `make demo` and `make test`. Each makes what it needs and is quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
CODE := cellscope tests benchmarks docs

export PIP_DISABLE_PIP_VERSION_CHECK := 1
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help venv browser demo demo-images test test-all check format bench truth docs clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

venv: $(READY)  ## the virtual environment with everything pinned

# Re-made when what is declared or pinned changes. The stamp lies inside, so a deleted environment takes it along.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "cellscope needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1). Try: make venv PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "no virtual environment could be made; Debian and Ubuntu keep that part in a package: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

browser: venv  ## Chromium for the browser tests, where there is none
	@sh tests/browser.sh $(BIN)/python

demo: venv  ## train a small network and look through the microscope
	$(BIN)/cellscope demo

demo-images: venv  ## train a small network on drawn pictures and look into it
	$(BIN)/cellscope demo images

test: venv browser  ## every test but the slow ones
	$(BIN)/python -m pytest -q -m "not slow"

test-all: venv browser  ## every test
	$(BIN)/python -m pytest -q

check: venv  ## style, types, and that imports only go down
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: venv  ## put the code into its one layout
	$(BIN)/ruff check --fix-only $(CODE)
	$(BIN)/ruff format $(CODE)

bench: venv  ## measure speed and memory; the table is kept under benchmarks/
	$(BIN)/python benchmarks/run.py

truth: venv  ## planted networks, nothing to find, power, agreement: fails where cellscope does not tell the truth
	$(BIN)/python benchmarks/truth.py

docs: venv  ## write the generated pages, check every link, and build docs/ as HTML into build/docs
	$(BIN)/python docs/build.py

clean:  ## remove what was made, but no run, no corpus and no report
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .stamps
	find cellscope tests benchmarks docs -name __pycache__ -prune -exec rm -rf {} +

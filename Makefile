# make demo    solve a real instance with the shipped policy and with SCIP's default, side by side
# make test    run the whole test suite, on all cores
# make test-fast   the quick part of it, in less than a minute
# make check   what CI runs: style, types, tests, demo
# make lint    style and types only
# make sanitize    the native core under AddressSanitizer and UndefinedBehaviorSanitizer (Linux)
# make clean   remove the environment and everything built
#
# Each creates the environment in $(VENV) if need be; $(PYTHON) must be 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
DEMO_SECONDS ?= 30

BIN := $(VENV)/bin
SOURCES := pyproject.toml CMakeLists.txt constraints.txt $(wildcard kida/cpp/*)
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

.PHONY: demo test test-fast lint check sanitize clean

demo: $(VENV)/.solve
	$(BIN)/kida compare item_placement:test:0 --policies item_placement,default \
	    --time-limit $(DEMO_SECONDS)

# What tests of a file share is made once: each file is one process's.
test: $(VENV)/.develop
	$(BIN)/python -m pytest -n auto --dist loadscope

test-fast: $(VENV)/.develop
	$(BIN)/python -m pytest -n auto --dist loadscope -m "not slow"

lint: $(VENV)/.develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror kida/cpp/*.cpp kida/cpp/*.h kida/cpp/*.inc
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test
	$(MAKE) demo DEMO_SECONDS=5

sanitize: $(VENV)/.develop
	scripts/sanitize.sh $(BIN)/python

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "kida needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# Solving needs four small packages; training and the tests need torch as well.
$(VENV)/.solve: $(SOURCES) | $(VENV)/bin/python
	$(INSTALL) .
	@touch $@

$(VENV)/.develop: $(SOURCES) | $(VENV)/bin/python
	$(INSTALL) '.[dev]'
	@touch $(VENV)/.solve $@

clean:
	rm -rf $(VENV) build

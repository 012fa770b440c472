# make demo    solve a real instance with the shipped policy and with SCIP's default, side by side
# make test    run the whole test suite, on all cores
# make test-fast   the quick part of it, in less than a minute
# make check   what CI runs: style, types, documentation, tests, demo
# make lint    style, types, workflows and documentation only
# make docs    the documentation site, into build/docs; any warning is an error
# make fuzz    10,000 damaged files of every kind that is read; half an hour on two cores
# make kills   200 kills of a training run and 50 of an evaluation; half an hour
# make coverage    line coverage of Python and C++ by the test suite
# make sanitize    the native core under AddressSanitizer and UndefinedBehaviorSanitizer (Linux)
# make example-c   build the example in C against libkida, and run it (needs CMake)
# make valgrind    libkida built alone, installed, and the example run under valgrind
# make wheel   wheels and the source distribution, into dist/
# make test-oldest     the quick part of the tests with the oldest PySCIPOpt that is supported
# make clean   remove the environment and everything built
#
# Each creates the environment in $(VENV) if need be; $(PYTHON) must be 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
DEMO_SECONDS ?= 30

BIN := $(VENV)/bin
SOURCES := pyproject.toml CMakeLists.txt constraints.txt $(wildcard cmake/* kida/cpp/* kida/cpp/*/*)
# The project was called kida before: with both in one environment, their files would be shared.
UNINSTALL_OLD := $(BIN)/python -m pip uninstall --quiet --quiet --yes kida
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

.PHONY: demo test test-fast lint docs check fuzz kills sanitize coverage example-c valgrind \
    wheel test-oldest clean

demo: $(VENV)/.solve
	$(BIN)/kida compare item_placement:test:0 --policies item_placement,default \
	    --time-limit $(DEMO_SECONDS)

# What tests of a file share is made once: each file is one process's; in the order of tests/conftest.
ALL_CORES := -n auto --dist loadscope --no-loadscope-reorder
test: $(VENV)/.develop
	$(BIN)/python -m pytest $(ALL_CORES)

test-fast: $(VENV)/.develop
	$(BIN)/python -m pytest $(ALL_CORES) -m "not slow"

lint: $(VENV)/.develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror kida/cpp/*.cpp kida/cpp/*.h kida/cpp/*.inc \
	    kida/cpp/include/*.h examples/c/*.c examples/c/*.h tests/cpp/*.cpp
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 kida
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms \
	    $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/zizmor --offline --quiet .github
	$(MAKE) docs

# From nothing each time: a page that has not changed would not be warned about again.
docs: $(VENV)/.develop
	$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going docs build/docs

fuzz: $(VENV)/.develop
	$(BIN)/python scripts/fuzz.py

kills: $(VENV)/.develop
	$(BIN)/python scripts/kills.py

# The last line puts the core without counters back. Sources that are not found: nanobind's, which
# are there while it is built. Hits that gcovr suspects: a network's innermost loops have billions.
coverage: $(VENV)/.develop
	$(INSTALL) '.[dev]' -C build-dir=build/coverage -C cmake.define.KIDA_COVERAGE=ON
	find build/coverage -name '*.gcda' -delete
	$(BIN)/coverage erase
	-$(BIN)/coverage run -m pytest -q $(ALL_CORES)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	$(BIN)/gcovr --filter kida/cpp/ --txt-metric line \
	    --gcov-ignore-errors source_not_found --gcov-suspicious-hits-threshold 0 build/coverage
	$(INSTALL) '.[dev]'

check: lint test
	$(MAKE) demo DEMO_SECONDS=5

sanitize: $(VENV)/.develop
	scripts/sanitize.sh $(BIN)/python

example-c: $(VENV)/.solve
	@mkdir -p build
	examples/c/run.sh $(BIN)/python build/example-c \
	    instances/set_cover_easy_valid_0.mps.gz models/set_cover

valgrind: $(VENV)/.solve
	scripts/valgrind.sh $(BIN)/python

wheel:
	scripts/wheel.sh $(PYTHON)

# In an environment of its own, and with everything else as ever.
OLDEST := $(shell sed -n 's/.*"pyscipopt>=\([0-9.]*\),.*/\1/p' pyproject.toml)
test-oldest:
	@mkdir -p build/oldest
	grep -v '^pyscipopt' constraints.txt > build/oldest/constraints.txt
	echo 'pyscipopt==$(OLDEST).*' >> build/oldest/constraints.txt
	[ -x build/oldest/venv/bin/python ] || $(PYTHON) -m venv build/oldest/venv
	build/oldest/venv/bin/python -m pip install --quiet \
	    --constraint build/oldest/constraints.txt '.[dev]'
	PYTHONSAFEPATH=1 build/oldest/venv/bin/python -m pytest $(ALL_CORES) -m "not slow"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "kida needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# Solving needs seven packages; training and the tests need torch as well.
$(VENV)/.solve: $(SOURCES) | $(VENV)/bin/python
	$(UNINSTALL_OLD)
	$(INSTALL) .
	@touch $@

$(VENV)/.develop: $(SOURCES) | $(VENV)/bin/python
	$(UNINSTALL_OLD)
	$(INSTALL) '.[dev]'
	@touch $(VENV)/.solve $@

clean:
	rm -rf $(VENV) build

# The only entry point: `make demo` and `make test` need nothing but Python 3.11 or newer.
# PYTHON names the interpreter that makes the virtual environment in VENV.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS)

.PHONY: demo test oldest slow bench lint format types clean

demo: $(VENV)/.demo
	$(BIN)/python -m sklearn_ftr

test: $(VENV)/.test
	$(BIN)/python -m pytest

oldest:
	$(MAKE) test VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt

slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.benchmark
	$(BIN)/python benchmarks/training_time.py
	$(BIN)/python benchmarks/pool_time.py
	$(BIN)/python benchmarks/power_tuning.py
	$(BIN)/python benchmarks/grid_search.py
	$(BIN)/python benchmarks/estimands_time.py
	$(BIN)/python benchmarks/split_time.py

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.lint
	$(BIN)/mypy

clean:
	rm -rf .venv .venv-oldest .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One stamp for each extra: installed again when the dependencies change.
$(VENV)/.%: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS)
	$(INSTALL) -e ".[$*]"
	@touch $@

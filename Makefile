# The only entry point: `make demo` and `make test` need nothing but Python 3.11 or newer.
# PYTHON names the interpreter that makes the virtual environment in VENV.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN := $(VENV)/bin
# One process of tests for each core, up to WORKERS, and one thread in each.
WORKERS ?= 4
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses $(WORKERS) --dist worksteal
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS)

.PHONY: demo test thorough oldest newest without_torch dist slow engines laws bench mutants docs docs-check lint format types clean

demo: $(VENV)/.demo
	$(BIN)/python -m sklearn_ftr

test: $(VENV)/.test
	$(PYTEST)

# Every case of every test but the simulations; what the tests for everybody leave out, CI runs by `oldest` and `newest`.
thorough: $(VENV)/.test
	$(PYTEST) -m "not slow"

oldest:
	$(MAKE) thorough VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt

# Torch's builds for a Python that is not the system's can bring gigabytes of accelerator libraries with them, so
# that what needs torch is left out here; `make test VENV=.venv-newest PYTHON=...` would test it all.
newest:
	@newest=$$($(PYTHON) .ci/newest_python.py) && \
	if [ "$$newest" = "$$($(PYTHON) -c 'import sys; print(sys.executable)')" ]; then \
	  echo "No Python here is newer than that of 'make test', $$($(PYTHON) --version): nothing to do."; \
	else \
	  echo "Testing all but what needs torch with $$($$newest --version), $$newest."; \
	  $(MAKE) without_torch VENV=.venv-newest PYTHON=$$newest; \
	fi

without_torch: $(VENV)/.without_torch
	$(PYTEST) -m "not slow" --ignore=sklearn_ftr/finetuning

# Source distribution and wheel, checked, and installed alone on every Python of this machine.
dist: $(VENV)/.release
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python .ci/install_alone.py dist

slow: $(VENV)/.test
	$(PYTEST) -m slow

# Pools that Spark and Ray have read; without Java Spark's test is skipped.
engines: $(VENV)/.engines
	$(PYTEST) -rs -m thorough tests/test_spark_and_ray.py

# The laws that hypothesis tries, on examples that nobody has seen.
laws: $(VENV)/.test
	$(PYTEST) --hypothesis-profile=exploring -m hypothesis

bench: $(VENV)/.benchmark
	$(BIN)/python benchmarks/training_time.py
	$(BIN)/python benchmarks/pool_time.py
	$(BIN)/python benchmarks/power_tuning.py
	$(BIN)/python benchmarks/grid_search.py
	$(BIN)/python benchmarks/estimands_time.py
	$(BIN)/python benchmarks/split_time.py

# A tenth of all mutants, always the same; MUTANTS='*' is every one (docs/mutants.md).
MUTANTS ?= *_mutmut_*7
mutants: $(VENV)/.mutants
	OMP_NUM_THREADS=1 $(BIN)/mutmut run '$(MUTANTS)'
	$(BIN)/python benchmarks/mutation_score.py

# The site, in docs/_build/html: warnings are errors, links inside lead somewhere, words are spelled.
docs: $(VENV)/.docs
	rm -rf docs/_build/html
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -q -n -E -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	$(BIN)/python docs/_checks/built_pages.py docs/_build/html
	$(BIN)/codespell

# What `make docs` has built, in Chromium, where that is installed.
docs-check: $(VENV)/.docs
	$(BIN)/python -m pytest -rs docs/_checks

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/wish.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/zizmor --offline --quiet .github

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.lint
	$(BIN)/mypy

clean:
	rm -rf .venv .venv-oldest .venv-newest dist mutants .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -rf docs/_build docs/_live docs/auto_gallery docs/reference

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.without_torch: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS)
	$(INSTALL) numpy scipy scikit-learn tabulate tqdm pandas matplotlib vaderSentiment pytest pytest-xdist hypothesis hatchling hatch-fancy-pypi-readme
	$(INSTALL) --no-deps -e .
	@touch $@

$(VENV)/.demo: $(VENV)/pyvenv.cfg pyproject.toml $(CONSTRAINTS)
	$(INSTALL) -e ".[demo]"
	@touch $@

# Python 3.11 to 3.13 bring a pip that does not know dependency groups.
$(VENV)/.pip: $(VENV)/pyvenv.cfg constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --upgrade pip
	@touch $@

$(VENV)/.release: $(VENV)/.pip pyproject.toml $(CONSTRAINTS)
	$(INSTALL) --group release
	@touch $@

# One stamp for each dependency group: installed again when the dependencies change.
$(VENV)/.%: $(VENV)/.pip pyproject.toml $(CONSTRAINTS)
	$(INSTALL) -e . --group $*
	@touch $@

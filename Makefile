# make demo   run examples/quickstart.ipynb in a real kernel, and show it
# make test   the tests, on every Python and IPython that matter and are here (make test LANES=main for the first alone)
# make test-wide   the packages that notebooks use most, installed from an index: no false alarm (not part of make test)
# make test-browser   the tests in a real JupyterLab alone (a part of make test where chromium is)
# make test-hub    a real JupyterHub: a shared prefix, and a kernel of one's own (needs npm; not part of make test)
# make soak    eight kernels that change one environment for ten minutes (SECONDS=60: for one; not part of make test)
# make fuzz    bad input by atheris, RUNS inputs for each reader (60000; not part of make test)
# make lint   ruff and mypy
# make docs   build the documentation's site, in site/
# make bench  measure beside the peers; writes benchmarks/README.md
# make build  the wheel and the source distribution, in dist/
# make clean  remove what these made
#
# Each target makes the environment that it needs under this folder, and uses no other. Paths here are relative and quoted,
# so that the folder's own path may have spaces. make PYTHON=/path/to/python chooses the Python.

SHELL = /bin/sh
PYTHON ?=
LANES ?=
TESTS ?=
PIP_INSTALL = -m pip install -qq --disable-pip-version-check
CONDA_REQUIREMENTS = $(wildcard tests/requirements-conda.txt tests/requirements-conda-nodeps.txt)
SOURCES = $(shell find ipy_envmagic -name '*.py' -o -name '*.json' -o -name 'py.typed')

# What an active environment or a person's shell says must not reach the environments made here.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.PHONY: demo docs test test-wide test-hub test-browser soak fuzz lint bench build clean
.DEFAULT_GOAL = test

define make_environment
	@python=$$(sh tools/find-python "$(PYTHON)") && echo "making $(1) with $$python" && "$$python" -m venv --clear "$(1)"
endef

.venv/bin/python:
	$(call make_environment,.venv)

.venv-demo/bin/python:
	$(call make_environment,.venv-demo)

.venv-bench/bin/python:
	$(call make_environment,.venv-bench)

.venv/made: pyproject.toml tools/install-located-tools $(CONDA_REQUIREMENTS) | .venv/bin/python
	.venv/bin/python $(PIP_INSTALL) --upgrade pip build
	.venv/bin/python $(PIP_INSTALL) --editable '.[test,lint,backends,docs]'
	@sh tools/install-conda-requirements .venv/bin/python
	@sh tools/install-located-tools .venv/bin/uv .venv/bin/python "$$PWD/.venv/tools"
	@touch .venv/made

.venv-demo/made: pyproject.toml README.md $(SOURCES) | .venv-demo/bin/python
	.venv-demo/bin/python $(PIP_INSTALL) nbclient nbformat .
	.venv-demo/bin/python $(PIP_INSTALL) --force-reinstall --no-deps .
	@touch .venv-demo/made

.venv-bench/made: pyproject.toml | .venv-bench/bin/python
	.venv-bench/bin/python $(PIP_INSTALL) --editable . watermark ipython-autotime jupyter_client uv
	@touch .venv-bench/made

demo: .venv-demo/made
	.venv-demo/bin/python tools/demo.py examples/quickstart.ipynb

test: .venv/made
	.venv/bin/python tools/lanes.py $(LANES) $(if $(TESTS),-- $(TESTS))

.venv-wide/bin/python:
	$(call make_environment,.venv-wide)

.venv-wide/made: pyproject.toml tests/wide/packages.txt | .venv-wide/bin/python
	.venv-wide/bin/python $(PIP_INSTALL) --upgrade pip
	.venv-wide/bin/python $(PIP_INSTALL) --editable '.[test]' $$(sed -n 's/^\([A-Za-z][^ ]*\) .*/\1/p' tests/wide/packages.txt)
	@touch .venv-wide/made

test-wide: .venv-wide/made
	IPY_ENVMAGIC_TEST_WIDE=1 .venv-wide/bin/python -m pytest -q -n 2 tests/wide

.venv-hub/bin/python:
	$(call make_environment,.venv-hub)

.npm-hub/made: Makefile
	npm install --silent --no-fund --no-audit --prefix .npm-hub configurable-http-proxy@5
	@touch .npm-hub/made

.venv-hub/made: pyproject.toml | .venv-hub/bin/python
	.venv-hub/bin/python $(PIP_INSTALL) --upgrade pip
	.venv-hub/bin/python $(PIP_INSTALL) --editable '.[test]' jupyterhub jupyter_server websocket-client
	@touch .venv-hub/made

test-hub: .venv-hub/made .npm-hub/made
	IPY_ENVMAGIC_TEST_HUB=1 REAL_HOME="$$HOME" .venv-hub/bin/python -m pytest -q -s tests/hub

test-browser: .venv/made
	.venv/bin/python tools/lanes.py browser

soak: .venv/made
	IPY_ENVMAGIC_TEST_SOAK=$(or $(SECONDS),600) .venv/bin/python -m pytest -q -s -n 0 tests/soak

.venv-fuzz/bin/python:
	$(call make_environment,.venv-fuzz)

.venv-fuzz/made: pyproject.toml | .venv-fuzz/bin/python
	.venv-fuzz/bin/python $(PIP_INSTALL) --editable '.[yaml]' atheris
	@touch .venv-fuzz/made

fuzz: .venv-fuzz/made
	.venv-fuzz/bin/python tools/fuzz.py --runs $(or $(RUNS),60000)

lint: .venv/made
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy

docs: .venv/made
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict

bench: .venv-bench/made
	.venv-bench/bin/python benchmarks/run.py

build: .venv/made
	.venv/bin/python -m build --outdir dist .

clean:
	rm -rf .venv .venv-demo .venv-bench .venv-wide .venv-hub .venv-fuzz .fuzz .npm-hub .lanes dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

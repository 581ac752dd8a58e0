# Every target sets itself up: a virtual environment in .venv with the package and its tools.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test simulate sweep crowd lint types bench completions clean

demo: $(READY)  ## Make a picture in the sandbox: submit, wait, save
	$(BIN)/modellix-cli model run sandbox/image --sandbox --body '{"prompt": "a lighthouse at dawn"}' \
	  --wait --output-dir demo-output --output human

test: $(READY)  ## Run every test
	$(BIN)/python -m pytest -n auto --dist loadfile

RUNS ?= 100000
simulate: $(READY)  ## Run the engine in RUNS simulated worlds with crashes and a hostile server
	$(BIN)/python -m tests.engine.simulator --runs $(RUNS) --jobs 2

EVERY ?= 25
sweep: $(READY)  ## Kill at every EVERY-th system call, resume, compare (Linux, gcc)
	$(BIN)/python -m tests.sweep.sweep --every $(EVERY)

CROWD_SECONDS ?= 120
crowd: $(READY)  ## Kill 60 mixed processes at random for CROWD_SECONDS, resume, compare
	$(BIN)/python -m tests.sweep.crowd --seconds $(CROWD_SECONDS)

lint: $(READY)  ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types
	$(BIN)/mypy

bench: $(READY)  ## Measure against baselines in the same run
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/download.py
	$(BIN)/python benchmarks/wait.py
	$(BIN)/python benchmarks/batch.py
	$(BIN)/python benchmarks/ledger.py
	$(BIN)/python benchmarks/kill.py --rounds 40

completions: $(READY)  ## Generate completions/ anew
	$(BIN)/python completions/generate.py

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Every target sets itself up: a virtual environment in .venv with the package and its tools.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# import-linter needs click, which must not be where the program runs: httpx would import its own CLI.
LAYERS := .venv-layers
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Each process of pytest would rewrite the assertions of all tests again.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test test-fast coverage mutants simulate sweep crowd accounts lint layers types docs screens bench clean

demo: $(READY)  ## Make a picture in the sandbox: submit, wait, save
	$(BIN)/modellix-cli model run sandbox/image "a lighthouse at dawn" --sandbox \
	  --wait --output-dir demo-output --output human
	@echo "Open it:   $(BIN)/modellix-cli task open @last --sandbox"
	@echo "Try next:  $(BIN)/modellix-cli model find 'turn a photo into a clip' --sandbox"

# Most tests that start processes wait for them, so that more run at a time than there are cores.
WORKERS ?= 6
test: $(READY)  ## Run every test
	$(BIN)/python -m pytest --collect-only --quiet > /dev/null || true  # writes the rewritten assertions
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Half a minute: tests/fast.py says which tests those are. TESTS names more.
test-fast: $(READY)  ## Run the tests of what you changed, and of the rules of the house, until the first failure
	$(BIN)/python -m pytest -x -n 2 --dist loadfile -m "not slow" --hypothesis-profile=fast \
	  --ignore=tests/engine/simulator $$($(BIN)/python -m tests.fast) $(TESTS)

coverage: $(READY)  ## Measure which lines the tests reach that start no processes; below the floor it fails
	$(BIN)/coverage run -m pytest -q --ignore=tests/e2e --ignore=tests/engine/simulator
	$(BIN)/coverage report

JOBS ?= 2
mutants: $(READY)  ## Break the money rules in small ways, one at a time: which would the tests notice?
	$(BIN)/python -m tests.mutation --jobs $(JOBS)

RUNS ?= 100000
simulate: $(READY)  ## Run the engine in RUNS simulated worlds with crashes and a hostile server
	$(BIN)/python -m tests.engine.simulator --runs $(RUNS) --jobs 2

EVERY ?= 25
sweep: $(READY)  ## Kill at every EVERY-th system call, resume, compare (Linux, gcc)
	$(BIN)/python -m tests.sweep.sweep --every $(EVERY)
	ALL_KILLS=1 $(BIN)/python -m pytest tests/e2e/test_batch_chain_kills.py
	DELIVERIES=10000 $(BIN)/python -m pytest tests/e2e/test_webhooks.py

CROWD_SECONDS ?= 120
crowd: $(READY)  ## Kill 60 mixed processes at random for CROWD_SECONDS, resume, compare
	$(BIN)/python -m tests.sweep.crowd --seconds $(CROWD_SECONDS)

ROUNDS ?= 50
accounts: $(READY)  ## Kill commands in ROUNDS rounds; compare the ledger with two services' accounts
	$(BIN)/python -m tests.sweep.accounts --rounds $(ROUNDS)

lint: $(READY)  ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

layers: $(LAYERS)/ready  ## Check that imports go one way (.importlinter)
	PYTHONPATH=. $(LAYERS)/bin/lint-imports

types: $(READY)  ## Check types
	$(BIN)/mypy

bench: $(READY)  ## Measure against baselines in the same run
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/download.py
	$(BIN)/python benchmarks/wait.py
	$(BIN)/python benchmarks/batch.py
	$(BIN)/python benchmarks/ledger.py
	$(BIN)/python benchmarks/kill.py --rounds 40

docs: $(READY)  ## Write docs/reference.md and completions/ from the program
	$(BIN)/python -m docs.generate
	$(BIN)/python completions/generate.py

screens: $(READY)  ## Draw the pictures of the terminal in docs/screens
	$(BIN)/python -m tests.screens

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m compileall -q modellix_cli
	touch $@

$(LAYERS)/ready:
	$(PYTHON) -m venv $(LAYERS)
	$(LAYERS)/bin/python -m pip install --quiet 'import-linter>=2.1,<3'
	touch $@

clean:
	rm -rf $(VENV) $(LAYERS) demo-output .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis

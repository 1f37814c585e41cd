# The project's commands; `make` alone lists them. A fresh machine needs only python3.11, make and git.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
PYTEST := $(BIN)/python -m pytest
CORES := $(shell nproc 2>/dev/null || echo 2)
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help up down check test test-all soak sim matrix bench proto rewrite test-tools clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# The environment is made once, and again when the dependencies change.
$(INSTALLED): pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: python3.11 is missing; install it or set PYTHON=" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Creating .venv with $(PYTHON)"; "$(PYTHON)" -m venv .venv; }
	@echo "Installing raftkv and its tools into .venv"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet -e '.[dev]'
	@touch $@

up: $(INSTALLED) ## start a local cluster of three members and return when it is healthy
	@$(BIN)/raftkv cluster up $(if $(MEMBERS),--members $(MEMBERS))

down: $(INSTALLED) ## stop it; the data in .raftkv/ stays
	@$(BIN)/raftkv cluster down

check: $(INSTALLED) ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# The quick tests on every core, then the ones with processes and clocks one after the other.
test: $(INSTALLED) test-tools ## the fast suites
	$(PYTEST) -n $(CORES)
	$(PYTEST) -m "slow and not long and not soak"

test-all: $(INSTALLED) test-tools ## every test but the soaks
	$(PYTEST) -n $(CORES)
	$(PYTEST) -m "(slow or long) and not soak"

soak: $(INSTALLED) test-tools ## the soak tests, then simulated workloads of random seeds until stopped
	HYPOTHESIS_PROFILE=soak $(PYTEST) -m soak
	$(BIN)/python -m jepsen_tests sim --workload any --forever

sim: $(INSTALLED) ## replay one simulated run: make sim SEED=7
	$(BIN)/python -m jepsen_tests sim --seed $(SEED)

matrix: $(INSTALLED) test-tools ## every workload with many sets of faults, on real members (as root)
	$(BIN)/python -m jepsen_tests matrix

bench: $(INSTALLED) ## measure against etcd, side by side
	$(BIN)/python -m bench

proto: $(INSTALLED) ## generate raftkv/pb from its .proto files; fails when that changed something
	$(BIN)/python -m raftkv.pb.generate
	git diff --exit-code -- raftkv/pb

rewrite: $(INSTALLED) ## write the golden traces again; read the diff before you commit it
	$(PYTEST) --rewrite -m "not long and not soak" raftkv/tests

test-tools:
	@.ci/test-tools

clean: down ## stop the cluster and delete its data, the environment and every cache
	rm -rf .raftkv .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Every target sets up what it needs: a fresh clone needs Python 3.11+ and make, nothing else.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
ifndef PYTHON
PYTHON := $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
endif

.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(VENV)/.installed ## install everything into .venv, pinned and hash-checked by uv.lock

$(VENV)/.installed: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "refund-worker needs Python 3.11 or newer: none found on PATH" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment (Debian: install the package python3-venv)" >&2; exit 2; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@$(BIN)/uv sync --frozen --all-extras --quiet --compile-bytecode --python $(BIN)/python
	@touch $@

.PHONY: test
test: setup ## the tests, on all cores, under 4 minutes on two
	$(BIN)/pytest -n auto --dist worksteal -m "not deep"

.PHONY: deep
deep: setup ## every crash world and 2,000 random schedules
	$(BIN)/pytest -n auto --dist worksteal -m deep

.PHONY: lint
lint: setup ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check
check: lint test deep ## all that CI does

.PHONY: demo
demo: setup ## the whole night against the local Stripe sandbox
	@$(BIN)/refund-worker demo

.PHONY: model
model: setup ## explore the money protocol exhaustively, reserve-first and refund-first
	$(BIN)/python -m tests.model --full

.PHONY: soak
soak: setup ## a million random schedules; SCHEDULES=N for fewer, FIRST=N to begin at a seed
	$(BIN)/python -m tests.crash --schedules $(or $(SCHEDULES),1000000) --first $(or $(FIRST),0)

.PHONY: kill
kill: setup ## at least 200 real kill -9 of the command line
	$(BIN)/python -m tests.kill

.PHONY: mutants
mutants: setup ## one-line faults in the money code, each killed by a named test
	$(BIN)/python -m tests.mutants

.PHONY: bench
bench: setup ## throughput, calls, CPU and memory of a night
	$(BIN)/python -m tests.bench

.PHONY: up
up: setup ## everything on this machine: Redis, PostgreSQL, the sandbox, web, worker, beat
	@$(BIN)/python -m deploy.local.up

.PHONY: demo-cluster
demo-cluster: setup ## cancellations, webhooks, refunds; then a night on three workers, one of them killed
	@$(BIN)/python -m deploy.local.demo

.PHONY: chaos
chaos: setup ## at least 1,000 kill -9 of real workers, with every fault of the servers around them
	$(BIN)/python -m tests.chaos

.PHONY: check-deploy
check-deploy: setup ## the recipes in deploy/, as far as they can be checked without a cluster
	@$(BIN)/python -m deploy.checks

.PHONY: sbom
sbom: setup ## sbom.cdx.json: what the image is made of, as CycloneDX
	@$(BIN)/uv export --frozen --quiet --no-dev --all-extras --no-emit-project --format cyclonedx1.5 --output-file sbom.cdx.json

.PHONY: clean
clean: ## remove what make made
	rm -rf $(VENV) demo-output sbom.cdx.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

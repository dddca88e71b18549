# `make help` lists the targets. Everything lands in .venv and .shipway, and in a cache folder for
# what is slow to build ($SHIPWAY_CACHE, else ~/.cache/shipway).
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test cases mutate check format up down status env bench bench-gitops bench-pyramid bench-rollouts bench-agents bench-kills bench-soak bench-production bench-pools mistakes schemas reference docs lock screenshot clean

VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
SANDBOX := $(BIN)/python docker/sandbox
# What the sandbox is and where, for the command that follows.
INSIDE = eval "$$($(SANDBOX) env)" &&

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 20

# Whether a part of the sandbox died is the first that a red test makes one ask.
ELSE_STATUS = || { $(SANDBOX) status; exit 1; }

# They wait for pods and processes more than they work.
SIDE_BY_SIDE := 4
# One to four tests that are red beside others run once more, alone. That names a race; five stop the run.
ONCE_MORE = || { [ $$? = 1 ] && echo "Red beside others, once more alone:" && \
  $(BIN)/python -m pytest $(REAL) -m "not alone" -v --last-failed --last-failed-no-failures=none; }
REAL := tests/cases tests/contract tests/integration tests/system

demo: $(READY)  ## release the sample app, twice, then once more; or STRATEGY=canary, blue-green: a rollout; or AGENT=flux
ifeq ($(AGENT),flux)
	@$(SANDBOX) up --flux
	@$(INSIDE) $(BIN)/python -m examples.flux
else ifdef STRATEGY
	@$(SANDBOX) up --gateway
	@$(INSIDE) $(BIN)/python -m examples.rollouts $(STRATEGY)
else
	@$(SANDBOX) up --cluster later
	@$(INSIDE) $(BIN)/python -m examples.demo
endif

test: $(READY)  ## run everything: unit, contract, integration and system tests
	@$(SANDBOX) up --cluster later
	@$(BIN)/python -m pytest tests/unit -n auto
	@$(INSIDE) $(BIN)/python -m pytest $(REAL) -m "not alone" -n $(SIDE_BY_SIDE) --durations=20 $(ONCE_MORE) $(ELSE_STATUS)
	@$(INSIDE) $(BIN)/python -m pytest $(REAL) -m alone $(ELSE_STATUS)

cases: $(READY)  ## judge the inputs on which release tools were wrong; print right and wrong by kind
	@$(SANDBOX) up --cluster later
	@$(INSIDE) $(BIN)/python -m pytest tests/cases -q

mutate: $(READY)  ## change what judges, prunes and rolls back; print which changes no test notices
	@rm -rf mutants
	@$(BIN)/mutmut run
	@$(BIN)/python -m tests.mutants

check: $(READY)  ## check format, lint, types, layers and unit tests; quick enough for every commit
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/unit -q -n auto

format: $(READY)  ## format the code, and correct what the linter can
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

up: $(READY)  ## start what is missing of the sandbox: engine, registry, Git, Prefect, cluster
	@$(SANDBOX) up

down: $(READY)  ## end the sandbox and leave the machine as it was
	@$(SANDBOX) down

status: $(READY)  ## say what runs, and where
	@$(SANDBOX) status

env: $(READY)  ## print the exports for a shell: eval "$$(make -s env)"
	@$(SANDBOX) env

bench: $(READY)  ## measure a release beside the same workflow as a bash script
	@$(SANDBOX) up --cluster none
	@$(INSIDE) $(BIN)/python -m bench.release

bench-gitops: $(READY)  ## measure the GitOps commit: exact, raced, large, over a failing network
	@$(SANDBOX) up --cluster none
	@$(INSIDE) $(BIN)/python -m bench.gitops

bench-pyramid: $(READY)  ## measure the test pyramid: shards, failing fast, flakes, kill -9, real suites
	@$(SANDBOX) up --cluster none
	@$(INSIDE) $(BIN)/python -m bench.pyramid

bench-rollouts: $(READY)  ## measure rollouts: requests lost, canary shares, bad versions, kill -9, drift
	@$(SANDBOX) up --gateway
	@$(INSIDE) $(BIN)/python -m bench.rollouts

bench-agents: $(READY)  ## measure releases by Flux beside those by Shipway's own agent: seconds, requests, words
	@$(SANDBOX) up --gateway --flux
	@$(INSIDE) $(BIN)/python -m bench.agents

bench-kills: $(READY)  ## measure kill -9 of run, worker and warm parent, and cancel, in each stage
	@$(SANDBOX) up --cluster none
	@$(INSIDE) $(BIN)/python -m bench.kills

# A server that forgets within a minute: an hour shows what months do.
bench-soak: export PREFECT_SERVER_EVENTS_RETENTION_PERIOD = PT60S
bench-soak: export PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED = events,orphans
bench-soak: export PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS = 60
bench-soak: export PREFECT_SERVER_SERVICES_DB_VACUUM_ORPHAN_CLEANUP_LOOP_SECONDS = 60
bench-soak: $(READY)  ## measure what 500 releases leave on disk, in rows and in memory, with retention at work
	@$(SANDBOX) up --cluster none
	@$(INSIDE) $(BIN)/python -m bench.soak

bench-production: $(READY)  ## measure 50 releases at once over two servers, throughput by workers, and a model of more
	@$(SANDBOX) up --cluster none --servers
	@$(INSIDE) $(BIN)/python -m bench.production

bench-pools: $(READY)  ## measure a release again on work pools beside each other: ON=Kubernetes APP=shop POOLS="shipway shipway-pods"
	@$(BIN)/python -m bench.pools $(ON) $(APP) $(POOLS)

screenshot: $(READY)  ## take the pictures of docs/ anew, by the tests of the Prefect UI
	@$(SANDBOX) up
	@$(INSIDE) SHIPWAY_PICTURES=docs/images $(BIN)/python -m pytest tests/system/test_ui.py

mistakes: $(READY)  ## make newcomers' mistakes, and write what is said of them to docs/mistakes.md
	@$(SANDBOX) up --cluster later
	@SHIPWAY_RENEW_MISTAKES=1 $(BIN)/python -m pytest tests/unit -m mistake
	@SHIPWAY_RENEW_MISTAKES=1 $(INSIDE) $(BIN)/python -m pytest $(REAL) -m mistake -n $(SIDE_BY_SIDE) $(ELSE_STATUS)

docs: $(READY)  ## build the documentation site in .shipway/site/html; a warning is an error
	@$(BIN)/python -m docs.gather .shipway/site
	@$(BIN)/zensical build --strict --config-file .shipway/site/zensical.toml

schemas: $(READY)  ## write the JSON Schemas of the files that teams write
	@$(BIN)/python -m shipway.config.schemas schemas

reference: $(READY)  ## write docs/reference/options.md from the code of the command
	@$(BIN)/python -m docs.options

lock: $(READY)  ## resolve the locked versions anew
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-strip-extras pyproject.toml --extra redis -o requirements.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-strip-extras pyproject.toml --group dev --extra redis -o requirements-dev.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header - <<< $$'hatchling>=1.27\ncyclonedx-bom>=7' -o docker/worker/requirements-build.txt

clean: $(READY)  ## end the sandbox and remove its files; caches stay
	@$(SANDBOX) clean
	@rm -rf $(VENV)

$(READY): requirements-dev.txt pyproject.toml
	@docker/sandbox/venv.sh $(VENV) && touch $@

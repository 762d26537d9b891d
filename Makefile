# Copyright (c) 2026 dwp.backend contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-down test test-all lint sanity unit integration molecule bench rollback-check clean

# ansible-core 2.19 runs on Python 3.11 to 3.13. Override with: make setup PYTHON=/path/to/python
PYTHON ?=
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
READY := .venv/.ready

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-24s%s\n", $$1, $$2 }'

setup: $(READY)  ## make .venv with everything that demo and tests need

$(READY): requirements.txt requirements-dev.txt tests/setup
	@tests/setup $(PYTHON)

demo: $(READY)  ## build the reference backend, deploy it here, show what runs (no root, needs a JDK 17)
	@tests/backend/build
	@ansible-playbook playbooks/deploy.yml -i inventories/demo

demo-down: $(READY)  ## stop and remove what demo started
	@ansible-playbook playbooks/demo_down.yml -i inventories/demo

test: $(READY)  ## lint, sanity, unit, integration, systemd hosts; 40 minutes on two cores
	@python tests/run

test-all: $(READY)  ## the same with nothing sampled, more scenarios, every ansible-core and host Python
	@python tests/run --all

lint: $(READY)  ## ruff, mypy, yamllint, ansible-lint, shellcheck
	@tests/lint

sanity: $(READY)  ## ansible-test sanity with the installed ansible-core
	@python tests/run-sanity

unit: $(READY)  ## unit tests
	@python tests/run unit

integration: $(READY)  ## tests against real PostgreSQL, Redis and JVMs
	@python tests/run backend integration deploy

molecule: $(READY)  ## deploy on a systemd host, and on a cluster of four (needs root or a Docker engine)
	@python tests/run backend molecule cluster

bench: $(READY)  ## measure; prints medians and ratios
	@tests/backend/build
	@tests/bench/run

rollback-check: $(READY)  ## apply, roll back and apply again every migration on a scratch database
	@ansible-playbook playbooks/flyway_verify.yml -i inventories/demo

clean:  ## remove what builds and tests made (not .venv, not the demo)
	@tests/hosts/down
	@rm -rf .work .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .ansible tests/output
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

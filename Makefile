# `make help` lists what there is. The work is done by the scripts in e2e/cluster, which can be called by themselves.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down demo test test-unit test-charts test-e2e lint fmt bench build images generate audit

CACHE := $(or $(UNDERSTUDY_CACHE),$(HOME)/.cache/understudy)
ifeq ($(CI),true)
# A second run on the same machine finds what the first one compiled, whatever folder the checkout is in.
export CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_INCREMENTAL ?= 0
endif

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## cluster, images, operator, S3 server with the sample models; again after a change (CLUSTER=existing: yours)
	@e2e/cluster/everything

down: ## end everything that `make up` started
	@e2e/cluster/down

demo: up ## the story of a model, told with kubectl by three users; leaves the cluster up
	@source .cluster/env && samples/demo

test: ## everything that must pass: lint aside, all tests, and the stories on the real cluster
	@e2e/cluster/test unit charts attacks e2e

test-unit: ## tests that need no cluster
	@e2e/cluster/test unit

test-charts: ## the charts and the attack list, on an API server of their own
	@e2e/cluster/test charts attacks

test-e2e: ## the stories on the real cluster (one of them: make test-e2e ARGS=name)
	@e2e/cluster/test e2e -- $(ARGS)

lint: ## formatting, clippy, charts, shell scripts
	@e2e/cluster/lint

fmt: ## format the code
	@cargo fmt --all

bench: up ## the figures, each with its limit (a part: make bench ARGS=promotion)
	@source .cluster/env && cargo run --locked --release -p understudy-e2e --bin bench -- $(ARGS)

build: ## the programs: operator, server, kubectl plugin
	@cargo build --locked --release

images: ## the container images; their names are in .cluster/images.env
	@e2e/cluster/packages && e2e/cluster/images

generate: ## CRDs and docs/api.md from the types in crds
	@cargo run --locked -q -p understudy-crds --example generate

audit: ## licences and known vulnerabilities of the dependencies, by cargo-deny
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	@cargo deny check

# `make help` lists the targets. The scripts in e2e/cluster do the work. They can also be called directly.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down demo test fuzz test-unit test-models test-page test-charts test-faults test-upgrade test-scale test-e2e test-runtimes test-platform lint fmt statistics bench bench-scale bench-server build images generate audit

CACHE := $(or $(UNDERSTUDY_CACHE),$(HOME)/.cache/understudy)
ifeq ($(CI),true)
# Runs on the same machine share compiled crates, also between checkouts.
export CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_INCREMENTAL ?= 0
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## start a cluster with images, operator and the sample models; run it again after a change (CLUSTER=existing: yours)
	@e2e/cluster/everything

down: ## end everything that `make up` started
	@e2e/cluster/down

demo: up ## three users bring a model to Production with kubectl; the cluster stays up
	@source .cluster/env && samples/demo

test: ## all tests: unit, models, the pages in a browser, fuzz targets, charts, attacks, fields, doctor, faults, upgrade, scale, the stories on the real cluster, the demo, and short outages
	@e2e/cluster/test unit models page fuzz charts attacks attacks-1.30 fields doctor faults upgrade scale e2e demo platform-short

test-unit: ## the tests that need no cluster
	@e2e/cluster/test unit

fuzz: ## search for inputs that break the server's readers, 10 minutes for each target (FUZZ_SECONDS=60 make fuzz ARGS=predict)
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-600} e2e/cluster/fuzz $(ARGS)

test-models: ## the server against onnxruntime in Python: ONNX's node tests, exports, published models; the statistics against peers (ARGS="exports silero")
	@e2e/cluster/test models -- $(ARGS)

test-page: ## the form and the API documentation in Chromium, by keyboard, on a phone's width, with axe (ARGS="calls docs")
	@e2e/cluster/test page -- $(ARGS)

test-charts: ## tests of the charts, the attack list, the field sweep and the doctor, on API servers of their own
	@e2e/cluster/test charts attacks attacks-1.30 fields doctor

test-faults: ## the operator's binary while processes, connections, rights and objects fail (one test: make test-faults ARGS=name)
	@e2e/cluster/test faults -- $(ARGS)

test-upgrade: ## from the last release to this checkout: nothing that serves notices it, and what was open continues
	@e2e/cluster/test upgrade -- $(ARGS)

test-scale: ## 1,000 models with 10 versions each, while leaders are killed and upgraded (`make test` has 100 models)
	@SCALE=whole e2e/cluster/test scale

test-e2e: ## the stories on the real cluster (only one: make test-e2e ARGS=name)
	@e2e/cluster/test e2e -- $(ARGS)

test-runtimes: ## models that ONNX cannot hold in their images (MLServer, H2O, PMML) on the real cluster; the images take 600 MB and five minutes once
	@e2e/cluster/test runtimes -- $(ARGS)

test-platform: ## models under load while API server, etcd, node agent, runtime, disk or operator fail (one test: ARGS=name)
	@e2e/cluster/test platform -- $(ARGS)

lint: ## formatting, clippy, module cycles, charts, shell scripts
	@e2e/cluster/lint

fmt: ## format the code
	@cargo fmt --all

statistics: ## intervals that contain the truth, false alarms and power on simulated data: the tables of docs/statistics.md, 5 minutes
	@STATISTICS_SAMPLES=4000 cargo test --release --locked --quiet -p understudy-stats --test simulation -- --nocapture | grep -o '| .* |$$\|^test result.*' | sort

bench: up ## measure the figures, each with its limit (one part: make bench ARGS=promotion)
	@source .cluster/env && cargo run --locked --release -p understudy-e2e --bin bench -- $(ARGS)

bench-scale: ## the operator with up to 10,000 versions, each figure with its limit; it writes docs/scale.svg
	@e2e/cluster/scale bench

bench-server: ## the server beside its limits and peers, 85 minutes; it writes docs/bench-server.* (BENCH_PART=models,start make bench-server)
	@server-image/bench/run

build: ## build operator, server and kubectl plugin
	@cargo build --locked --release

images: ## build the container images; their names are in .cluster/images.env
	@e2e/cluster/packages && e2e/cluster/images

generate: ## write the CRDs and docs/api.md from the types in crds
	@cargo run --locked -q -p understudy-crds --example generate

audit: ## check licences and known vulnerabilities of the dependencies with cargo-deny
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	@cargo deny check

# What people and CI call; each line leads to a script that says what it does. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: run test build page image bench soak fmt lint generate lab screenshots help

run: build ## build and serve on http://127.0.0.1:8080, with a sandbox of two engines when this machine has none
	@exec scripts/run.sh

test: ## every test: Rust, page, end-to-end in a real browser against real engines
	@exec scripts/test.sh

build: page ## leave one self-contained program, target/release/imagefleet
	cargo build --release --locked -p imagefleet

page:
	@scripts/setup.sh build
	@cd web && npm run --silent build

image: page ## an image with that one program in it, imagefleet:latest, on this machine's engine
	@exec scripts/image.sh

bench: ## print ratios against the bare engine, database or a reference; docs/BENCHMARKS.md has the last ones
	@exec scripts/bench.sh

soak: ## the fault suite in its long form (IMAGEFLEET_SOAK_MINUTES=30)
	@exec scripts/soak.sh

fmt: ## format the Rust code
	cargo fmt --all

lint: page ## what `make test` asks of the code before it runs anything
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd web && npm run --silent lint && npm run --silent typecheck

generate: page ## write openapi.json and the page's client anew
	cargo run --quiet -p imagefleet -- openapi >openapi.json
	cd web && npm run --silent gen:api

lab: ## bring up the engines and servers of the tests and leave them running (scripts/lab/lab-down /tmp/imagefleet-lab)
	@scripts/setup.sh test
	@scripts/lab/lab-up /tmp/imagefleet-lab

screenshots: page ## the pictures in docs/screenshots anew, from real engines
	@exec scripts/screenshots.sh

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name what; do printf 'make %-11s %s\n' "$$name" "$$what"; done

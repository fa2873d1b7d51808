#!/usr/bin/env bash
# bench.sh [NAME [OPTIONS…]]: measures imagefleet beside the bare engine, database or reference and prints ratios; without a name, everything
# in turn (about half an hour on two cores). It installs what is missing, as `make test` does.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

scripts/setup.sh build test
npm run --silent build --prefix web
# The official Socket.IO client and Node's own server, for the benchmark of events alone.
[ -d crates/bench/node/node_modules ] || npm ci --no-progress --loglevel=error --prefix crates/bench/node
# Both at once: they share every dependency then.
cargo build --release --locked -p imagefleet -p imagefleet-bench
exec target/release/imagefleet-bench "$@"

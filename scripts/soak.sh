#!/usr/bin/env bash
# soak.sh: the fault suite in its long form, against a lab of its own: the ignored tests of the workspace with `soak` in their name.
# IMAGEFLEET_SOAK_MINUTES (30) is how long they go on.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

scripts/setup.sh build test
lab=${TMPDIR:-/tmp}/imagefleet-lab.$$
trap 'trap "" INT TERM HUP; scripts/lab/lab-down "$lab"' EXIT
trap 'exit 143' INT TERM HUP
scripts/lab/lab-up "$lab"
set -a
# shellcheck source=/dev/null
source "$lab/lab.env"
IMAGEFLEET_SOAK_MINUTES=${IMAGEFLEET_SOAK_MINUTES:-30}
set +a
cargo test --release --locked --workspace -- --ignored soak --nocapture --test-threads 1

#!/usr/bin/env bash
# soak.sh: the fault suite in its long form, IMAGEFLEET_SOAK_MINUTES (30) in all: a third of the time fake engines under faults of every
# kind, the rest the real program on real engines, killed at random, on each of the two databases. IMAGEFLEET_SOAK_SEED repeats a run.
# Each part ends with its table; the exit code is 1 when anything did not hold.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

minutes=${IMAGEFLEET_SOAK_MINUTES:-30}
part=$(awk -v all="$minutes" 'BEGIN { print all / 3 }')
seed=${IMAGEFLEET_SOAK_SEED:-$$}

scripts/setup.sh build test
cargo build --release --locked -p imagefleet
lab=${TMPDIR:-/tmp}/imagefleet-lab.$$
trap 'trap "" INT TERM HUP; scripts/lab/lab-down "$lab"' EXIT
trap 'exit 143' INT TERM HUP
scripts/lab/lab-up "$lab"
set -a
# shellcheck source=/dev/null
source "$lab/lab.env"
IMAGEFLEET_SOAK_MINUTES=$part
IMAGEFLEET_SOAK_SEED=$seed
set +a

# Every part runs, whatever an earlier one found.
ended=0
cargo test --release --locked -p imagefleet-tests --test faults -- --ignored soak --nocapture || ended=1
for database in sqlite postgres; do
    node scripts/soak/main.mjs target/release/imagefleet --minutes "$part" --database "$database" --seed "$seed" || ended=1
done
exit $ended

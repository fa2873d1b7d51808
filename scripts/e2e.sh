#!/usr/bin/env bash
# e2e.sh [ARGUMENT...]: the end-to-end tests in a real browser, against a program of its own and the engines of the lab (IMAGEFLEET_LAB_…
# in the environment, from lab.env). Arguments go to playwright. IMAGEFLEET_E2E_PROGRAM names a program that is built already.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
: "${IMAGEFLEET_LAB:?source lab.env of a running lab first}"

# Beside the lab's, as they come from the same range.
# shellcheck source=lab/lib.sh
port=$(source scripts/lab/lib.sh && free_port "$IMAGEFLEET_LAB")
data=$(mktemp -d)
program=''
end() {
    [ -z "$program" ] || kill -TERM "$program" 2>/dev/null || true
    [ -z "$program" ] || wait "$program" || true
    rm -rf "$data"
}
trap end EXIT
trap 'exit 143' INT TERM HUP

binary=${IMAGEFLEET_E2E_PROGRAM:-target/debug/imagefleet}
[ -n "${IMAGEFLEET_E2E_PROGRAM:-}" ] || cargo build --quiet --locked -p imagefleet
export IMAGEFLEET_E2E_URL=http://127.0.0.1:$port IMAGEFLEET_E2E_PASSWORD=end-to-end-1
IMAGEFLEET_ADMIN_PASSWORD=$IMAGEFLEET_E2E_PASSWORD "$binary" serve --listen "127.0.0.1:$port" --data-dir "$data/imagefleet" >"$data/log" 2>&1 &
program=$!
for _ in $(seq 300); do
    if ! kill -0 "$program" 2>/dev/null; then
        tail -n 40 "$data/log" >&2
        exit 1
    fi
    ! curl -sf -o /dev/null "$IMAGEFLEET_E2E_URL/readyz" || break
    sleep 0.1
done

IMAGEFLEET_E2E_CHROMIUM=$(command -v chromium)
export IMAGEFLEET_E2E_CHROMIUM
(cd web && npm run --silent e2e -- "$@") || {
    echo "--- the last lines of imagefleet:" >&2
    tail -n 60 "$data/log" >&2
    exit 1
}

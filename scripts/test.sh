#!/usr/bin/env bash
# test.sh: everything that `make test` stands for, one stage after the other; the first that fails ends it. The lab goes down in any case.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

lab=${TMPDIR:-/tmp}/imagefleet-lab.$$
summary=()
finish() {
    local code=$?
    trap '' INT TERM HUP
    scripts/lab/lab-down "$lab" || true
    printf '\n'
    printf '%s\n' "${summary[@]}"
    [ $code -eq 0 ] || printf 'make test: FAILED\n'
    exit $code
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

# stage NAME COMMAND...
stage() {
    local name=$1 from=$EPOCHREALTIME took
    shift
    printf '\n=== %s\n' "$name"
    local ok=yes
    "$@" </dev/null || ok=no
    took=$(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%6.1f s", b - a }')
    if [ $ok = no ]; then
        summary+=("FAILED  $took  $name")
        exit 1
    fi
    summary+=("passed  $took  $name")
    printf '%s\n' "${summary[-1]}"
}

page() { (cd web && npm run --silent "$1"); }
lab_env() {
    set -a
    # shellcheck source=/dev/null
    source "$lab/lab.env"
    set +a
}
rust_tests() {
    lab_env
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --workspace --no-fail-fast
    else
        cargo test --locked --workspace --no-fail-fast
    fi
}
# Half a minute in which the program is killed again and again; the long form kills engines, registry and database too.
killed() {
    cargo build --quiet --locked -p imagefleet
    node scripts/soak/main.mjs target/debug/imagefleet --minutes 0.5 --kill program --seed 1
}
end_to_end() {
    lab_env
    scripts/e2e.sh
}

stage "what is missing is installed" scripts/setup.sh build test
stage "page: lint" page lint
stage "page: unit tests" page test
stage "page: types and build" page build
stage "Rust: format" cargo fmt --all --check
stage "Rust: clippy" cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
stage "generated files are fresh" scripts/check-generated.sh
stage "lab: real engines, registries, SSH, PostgreSQL" scripts/lab/lab-up "$lab"
stage "Rust: tests" rust_tests
stage "the program, killed at random" killed
stage "end-to-end in the browser" end_to_end

#!/usr/bin/env bash
# check-generated.sh: openapi.json and the page's client are what the program's code says today.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

cargo run --quiet --locked -p imagefleet -- openapi >"$fresh/openapi.json"
(cd web && npx --no-install openapi-typescript "$fresh/openapi.json" -o "$fresh/schema.d.ts" >/dev/null)
for pair in openapi.json:openapi.json web/src/api/schema.d.ts:schema.d.ts; do
    if ! diff -u "${pair%%:*}" "$fresh/${pair#*:}" | head -n 40; then
        echo "${pair%%:*} is out of date: 'make generate' writes it anew" >&2
        exit 1
    fi
done

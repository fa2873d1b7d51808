#!/usr/bin/env bash
# image.sh: builds the program without a need for any library beside itself, and an image from scratch with nothing but that in it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# A target by name, so that the flag is for the program alone and not for what runs while compiling.
target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$target" -p imagefleet
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp "${CARGO_TARGET_DIR:-target}/$target/release/imagefleet" "$context/"
install -d -m 700 "$context/folders/data"
docker build --quiet --tag imagefleet:latest --file deploy/Dockerfile "$context"

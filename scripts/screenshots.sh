#!/usr/bin/env bash
# screenshots.sh: makes the pictures in docs/screenshots anew, on real engines: a lab of its own, a program of its own, a real browser.
# IMAGEFLEET_SHOTS_ALL=1 takes every screen in every look, IMAGEFLEET_SHOTS_ALL=list,copy these; into web/test-results/screenshots alone.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
scripts/setup.sh screenshots
lab=$(mktemp -d /tmp/imagefleet-shots.XXXX)
rmdir "$lab"
trap 'scripts/lab/lab-down "$lab" >/dev/null; rm -rf "$lab"' EXIT
scripts/lab/lab-up "$lab"
set -a
# shellcheck source=/dev/null
source "$lab/lab.env"
set +a

shots=web/test-results/screenshots
rm -rf "$shots"
IMAGEFLEET_SHOTS=$PWD/$shots scripts/e2e.sh "$@"
[ -z "${IMAGEFLEET_SHOTS_ALL:-}" ] || exit 0
rm -f docs/screenshots/*.png
mkdir -p docs/screenshots
for picture in "$shots"/*.png; do
    pngquant --force --strip --speed 1 --output "docs/screenshots/${picture##*/}" "$picture"
done
du -ch docs/screenshots/*.png | tail -1

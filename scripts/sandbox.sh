#!/usr/bin/env bash
# sandbox.sh up|down DIR: two throw-away engines, sandbox-a and sandbox-b, and a registry with the sample images. What they hold stays in
# DIR, and the next time they come up at the same places.
LAB=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/lab" && pwd)
# shellcheck source=lab/lib.sh
source "$LAB/lib.sh"

[ $# -eq 2 ] || die "usage: sandbox.sh up|down DIR"
dir=$2

down() {
    "$LAB/engine-down" sandbox-a "$dir" &
    "$LAB/engine-down" sandbox-b "$dir" &
    "$LAB/registry-down" registry "$dir"
    wait
}

# seed NAME IMAGE...: what the engine is to hold at first, under the registry's name; `IMAGE as NAME` gives it another one beside it.
seed() {
    local engine=$1 image familiar
    shift
    [ ! -e "$dir/$engine.seeded" ] || return 0
    local docker=(docker -H "unix://$(cat "$dir/$engine.socket")")
    for image in "$@"; do
        familiar=${image#*=}
        image=${image%%=*}
        "${docker[@]}" pull -q "$registry/$image" >/dev/null
        [ "$familiar" = "$image" ] || "${docker[@]}" tag "$registry/$image" "$familiar"
    done
    if [ "$engine" = sandbox-a ]; then
        "${docker[@]}" run -d --name welcome --restart unless-stopped "$registry/demo/web:1.1" >/dev/null
    fi
    touch "$dir/$engine.seeded"
}

up() {
    mkdir -p "$dir/registry"
    # Left behind when the last run was killed.
    down
    local port
    port=$(cat "$dir/registry/port" 2>/dev/null || true)
    if [ -z "$port" ] || ! port_is_free "$port"; then
        port=$(free_port "$dir")
        echo "$port" >"$dir/registry/port"
    fi
    "$LAB/engine-up" sandbox-a docker20 "$dir" --bridge >"$dir/sandbox-a.socket" &
    local a=$!
    "$LAB/engine-up" sandbox-b docker20 "$dir" --bridge >"$dir/sandbox-b.socket" &
    local b=$!
    registry=$("$LAB/registry-up" registry "$port" "$dir")
    if [ ! -e "$dir/registry/filled" ]; then
        node "$LAB/samples.mjs" push "http://$registry"
        touch "$dir/registry/filled"
    fi
    wait $a
    wait $b
    # The two differ, and hold different content under one name: demo/web:latest.
    seed sandbox-a library/nginx:1.27=nginx:1.27 library/redis:7.2=redis:7.2 demo/web:1.1 "demo/web:1.0=$registry/demo/web:latest" tools/box:latest &
    a=$!
    seed sandbox-b library/nginx:1.26=nginx:1.26 library/mysql:8.0=mysql:8.0 demo/web:latest demo/api:2.3.1 &
    wait $a
    wait $!
    say "two engines with sample images, and a registry with more at $registry"
}

case $1 in
    up | down) "$1" ;;
    *) die "usage: sandbox.sh up|down DIR" ;;
esac

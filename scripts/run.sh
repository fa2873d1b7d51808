#!/usr/bin/env bash
# run.sh: serves the program that was built, with something to look at: this machine's own Docker engine, or else the sandbox, two throw-away
# engines and a registry with sample images that come up and go down with it.
#
# IMAGEFLEET_DATA_DIR (.run), IMAGEFLEET_LISTEN (127.0.0.1:8080) and IMAGEFLEET_ADMIN_PASSWORD (made up at the first start) change it.
set -euo pipefail
PROJECT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '[run] %s\n' "$*"; }
die() {
    printf '[run] error: %s\n' "$*" >&2
    exit 1
}

data=${IMAGEFLEET_DATA_DIR:-$PROJECT/.run}
listen=${IMAGEFLEET_LISTEN:-127.0.0.1:8080}
mkdir -p "$data"
chmod 700 "$data"
data=$(cd -- "$data" && pwd)
sandbox=$data/sandbox
# Where a browser on this machine finds what listens on every address.
address=http://$(sed -E 's/^(0\.0\.0\.0|\[::\]|::):/127.0.0.1:/' <<<"$listen")
export IMAGEFLEET_DATA_DIR=$data IMAGEFLEET_LISTEN=$listen

! curl -s -o /dev/null --max-time 2 "$address" || die "something answers on $address already; end it, or choose another with IMAGEFLEET_LISTEN"

if [ -n "${IMAGEFLEET_ADMIN_PASSWORD:-}" ]; then
    first_password='the one in IMAGEFLEET_ADMIN_PASSWORD'
else
    # Made up once and kept beside the data, for the owner alone: the program prints its own only at the first start.
    if [ ! -s "$data/admin-password" ]; then
        (umask 077 && head -c 15 /dev/urandom | base64 | tr '+/' '-_' >"$data/admin-password")
    fi
    IMAGEFLEET_ADMIN_PASSWORD=$(cat "$data/admin-password")
    first_password=$IMAGEFLEET_ADMIN_PASSWORD
fi
export IMAGEFLEET_ADMIN_PASSWORD

# The engine that the docker command would talk to, when it answers to this user.
own_engine() {
    local engine=${DOCKER_HOST:-unix:///var/run/docker.sock}
    case $engine in
        unix://*) curl -sf -o /dev/null --max-time 5 --unix-socket "${engine#unix://}" http://engine/_ping || return ;;
        tcp://*) [ -z "${DOCKER_TLS_VERIFY:-}" ] && curl -sf -o /dev/null --max-time 5 "http://${engine#tcp://}/_ping" || return ;;
        *) return 1 ;;
    esac
    echo "$engine"
}

program=''
end() {
    trap '' INT TERM HUP
    if [ -n "$program" ] && kill -TERM "$program" 2>/dev/null; then
        wait "$program" || true
    fi
    if [ -d "$sandbox" ] && [ -z "${engine:-}" ]; then
        say "taking the sandbox down"
        "$PROJECT/scripts/sandbox.sh" down "$sandbox" || true
    fi
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if engine=$(own_engine); then
    say "this machine's engine answers at $engine"
    register=("this machine=$engine")
else
    say "no engine answers here: bringing up the sandbox"
    "$PROJECT/scripts/setup.sh" sandbox
    "$PROJECT/scripts/sandbox.sh" up "$sandbox"
    register=("sandbox-a=unix://$(cat "$sandbox/sandbox-a.socket")" "sandbox-b=unix://$(cat "$sandbox/sandbox-b.socket")" "registry=http://127.0.0.1:$(cat "$sandbox/registry/port")")
fi

# In a session of its own: a Ctrl-C reaches it through the trap above, in order.
setsid "$PROJECT/target/release/imagefleet" serve &
program=$!

for _ in $(seq 600); do
    kill -0 "$program" 2>/dev/null || die "imagefleet did not start"
    ! curl -sf -o /dev/null --max-time 2 "$address/readyz" || break
    sleep 0.1
done
node "$PROJECT/scripts/register.mjs" "$address" "${register[@]}" || say "registering did not work; the page is up all the same"

say "imagefleet serves $address"
say "user admin, first password: $first_password"
say "Ctrl-C ends it"
wait "$program"

# shellcheck shell=bash
# Shared by the verbs of this folder; sourced, never run.
#
# A lab is one folder. Every daemon has a folder of its own inside it with its pid, its log and its data, so that what was started
# can always be ended by its own pid file, also after a crash.

set -euo pipefail

LAB_SCRIPTS=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
PROJECT=$(cd -- "$LAB_SCRIPTS/../.." && pwd)
CACHE=${IMAGEFLEET_CACHE_DIR:-$PROJECT/.cache}

# Debian keeps daemons where a user's PATH does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '[lab] %s\n' "$*" >&2; }
die() {
    printf '[lab] error: %s\n' "$*" >&2
    exit 1
}

need() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is missing; 'scripts/setup.sh test' installs it"
    done
}

# Engines, their mounts and bridges need root: runs the verb again through sudo when it was started by someone else.
as_root() {
    [ "$(id -u)" -eq 0 ] && return
    command -v sudo >/dev/null || die "this needs root, and sudo is missing"
    exec sudo IMAGEFLEET_CACHE_DIR="$CACHE" PATH="$PATH" "$@"
}

# The one who asked: root, or the user behind sudo. Sockets and keys are made readable for them.
owner_group() { id -gn "${SUDO_USER:-$(id -un)}"; }
owner_uid() { id -u "${SUDO_USER:-$(id -un)}"; }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
    local seconds=$1 what=$2 tries
    shift 2
    for ((tries = seconds * 20; tries > 0; tries--)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.05
    done
    die "$what did not answer within $seconds s"
}

port_is_free() { ! (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port DIR: a loopback port below the range the kernel hands out by itself, given once per lab.
free_port() {
    local port
    for _ in $(seq 200); do
        port=$((20000 + RANDOM % 12000))
        if ! grep -qsx "$port" "$1/ports" && port_is_free "$port"; then
            echo "$port" | tee -a "$1/ports"
            return
        fi
    done
    die "no free port was found on 127.0.0.1"
}

# daemon DIR COMMAND...: starts it in a session of its own (a Ctrl-C in the terminal is not for it), writes DIR/pid and DIR/log.
daemon() {
    local dir=$1
    shift
    setsid "$@" </dev/null >>"$dir/log" 2>&1 &
    echo $! >"$dir/pid"
}

alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# end_pid FILE SECONDS: TERM, and KILL when it does not listen.
end_pid() {
    local file=$1 pid tries
    [ -s "$file" ] || return 0
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || true
    for ((tries = $2 * 20; tries > 0; tries--)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$file"
}

# Unmounts whatever is still mounted below a folder, deepest first.
unmount_below() {
    local at
    awk -v below="$1/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while IFS= read -r at; do
        umount -l "$at" 2>/dev/null || true
    done
}

# A socket path may have 107 characters and an engine appends its own: folders deep in the tree get a short stand-in.
socket_dir() {
    if [ "${#1}" -le 60 ]; then
        echo "$1/run"
    else
        echo "/tmp/imagefleet-$(printf %s "$1" | sha256sum | cut -c1-12)"
    fi
}

#!/usr/bin/env bash
# setup.sh GROUP...: installs what this machine lacks for build, sandbox or test, after saying what and why. With nothing to do it takes no time.
#
# Debian and Ubuntu, as root or with sudo. What a package would start by itself stays off: nothing may collide with services of yours.
set -euo pipefail
PROJECT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '[setup] %s\n' "$*"; }
die() {
    printf '[setup] error: %s\n' "$*" >&2
    exit 1
}
root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
has() { command -v "$1" >/dev/null 2>&1; }

packages=()
# want PACKAGE WHY TEST...: wanted when the test fails.
want() {
    local package=$1 why=$2
    shift 2
    "$@" >/dev/null 2>&1 && return
    say "$package is missing: $why"
    packages+=("$package")
}

has_headers() { [ -e /usr/include/stdio.h ]; }
has_static_busybox() { has busybox && ! ldd "$(command -v busybox)"; }
has_certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ]; }
has_chinese_font() { compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' || compgen -G '/usr/share/fonts/**/NotoSansCJK*'; }
has_postgres() { has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres'; }
has_debian_keyring() { [ -r /usr/share/keyrings/debian-archive-keyring.gpg ]; }

wanted_curl() {
    [[ ${packages[*]} == *curl* ]] || want curl 'asks the engines and the program whether they are up' has curl
}

wanted_build() {
    want gcc 'compiles the C parts of some crates (SQLite, zstd)' has cc
    want libc6-dev 'the headers of the C library' has_headers
    want ca-certificates 'crates and packages come over HTTPS' has_certificates
    wanted_curl
}

wanted_sandbox() {
    wanted_curl
    want docker.io 'the throw-away engines' has dockerd
    ! has dockerd || want docker-cli 'puts the sample images onto the throw-away engines' has docker
    want docker-registry 'the local registry' has docker-registry
    want busybox-static 'what the sample images are made of' has_static_busybox
    want iproute2 'gives an engine a bridge of its own' has ip
    want openssl 'certificates and passwords for throw-away servers' has openssl
}

wanted_test() {
    wanted_sandbox
    want podman 'an engine that is not Docker' has podman
    want openssh-server 'servers are reached through SSH' has sshd
    want postgresql 'the second database that everything has to work on' has_postgres
    want chromium 'the end-to-end tests drive a real browser' has chromium
    want fonts-noto-cjk 'Chinese in the browser and its screenshots' has_chinese_font
    want debian-archive-keyring 'checks the newer engine that is fetched (not installed) for the tests' has_debian_keyring
}

wanted_screenshots() {
    wanted_test
    want pngquant 'makes the pictures of the documentation small' has pngquant
}

# While packages are installed, invoke-rc.d is told not to start anything; afterwards the machine's own policy is back.
policy=/usr/sbin/policy-rc.d
without_services() {
    local refusing=''
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | root tee $policy >/dev/null
        root chmod 755 $policy
        refusing=yes
        trap 'root rm -f $policy' EXIT
    fi
    local ok=0
    root "$@" || ok=$?
    if [ -n "$refusing" ]; then
        root rm -f $policy
        trap - EXIT
    fi
    return $ok
}

# What these packages switch on when they arrive.
services=(docker.service docker.socket containerd.service docker-registry.service podman.service podman.socket podman-restart.service
    podman-auto-update.service podman-auto-update.timer ssh.service ssh.socket postgresql.service)
services_here() {
    local unit
    for unit in "${services[@]}"; do
        if [ -e "/lib/systemd/system/$unit" ]; then echo "$unit"; fi
    done
}

install_packages() {
    has apt-get || die "install these by hand, this is neither Debian nor Ubuntu: ${packages[*]}"
    [ "$(id -u)" -eq 0 ] || has sudo || die "sudo is missing; run this as root to install: ${packages[*]}"
    say "installing: ${packages[*]}"
    local log before
    log=$(mktemp)
    before=$(services_here)
    local quiet=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600)
    # A third-party source that is out of reach is no reason to stop: the packages are the distribution's own.
    root "${quiet[@]}" update >"$log" 2>&1 || say "apt-get update had trouble; going on with what is known"
    # Later suites have the client of docker.io in a package of its own.
    if [[ " ${packages[*]} " == *' docker.io '* ]] && ! has docker && apt-cache show docker-cli >/dev/null 2>&1; then
        packages+=(docker-cli)
    fi
    if ! without_services "${quiet[@]}" install -y --no-install-recommends "${packages[@]}" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "apt-get could not install: ${packages[*]}"
    fi
    # What arrived just now must not start at the next boot either; what was there before is not ours to touch.
    local new
    mapfile -t new < <(services_here | grep -vxF -e "${before:-none}" || true)
    if has systemctl && [ ${#new[@]} -gt 0 ]; then
        root systemctl disable "${new[@]}" >/dev/null 2>&1 || true
        say "left switched off: ${new[*]}"
    fi
    rm -f "$log"
}

rust_tools() {
    has cargo || die "Rust is missing: https://rustup.rs installs it"
    has rustup || return 0
    local component
    for component in rustfmt clippy; do
        cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 && continue
        say "$component is missing: installing it with rustup"
        rustup component add "$component"
    done
}

# Node's packages are fresh when what lies in node_modules is what the lock file asks for.
node_packages() {
    has node || die "Node.js is missing (20.19 or later)"
    cd "$PROJECT/web"
    node -e '
        const { readFileSync } = require("node:fs")
        const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages
        const have = packages("node_modules/.package-lock.json")
        const elsewhere = ({ optional, os, cpu, extraneous }) => optional || os || cpu || extraneous
        const missing = Object.entries(packages("package-lock.json")).filter(([path, one]) => path && !elsewhere(one) && have[path]?.version !== one.version)
        process.exit(missing.length > 0 ? 1 : 0)' 2>/dev/null && return
    say "installing the page's packages (npm ci in web/)"
    npm ci --no-progress --loglevel=error
    # Some npm 10 leave out the native part of the bundler; the newer npm does not.
    if ! node_modules/.bin/vite --version >/dev/null 2>&1; then
        say "npm $(npm --version) left out the bundler's native part: once more with npm 11"
        npx --yes npm@11 ci --no-progress --loglevel=error
    fi
}

[ $# -gt 0 ] || die "usage: setup.sh build|sandbox|test|screenshots..."
for group in "$@"; do
    case $group in
        build | sandbox | test | screenshots) "wanted_$group" ;;
        *) die "there is no group $group" ;;
    esac
done
[ ${#packages[@]} -eq 0 ] || install_packages
for group in "$@"; do
    case $group in
        build) rust_tools && node_packages ;;
        test | screenshots) "$PROJECT/scripts/lab/fetch-docker28" >/dev/null ;;
    esac
done

# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh - what the scripts share; sourced by bash, with `set -euo pipefail` in force.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${DOPPEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/doppel}
BUILD=${DOPPEL_BUILD:-$ROOT/build}
export PATH=$PATH:/usr/sbin:/sbin

say() {
    printf '\033[1m==>\033[0m %s\n' "$*" >&2
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Packages of scripts/packages whose file is not there; those of tests with the word "test".
missing_packages() { # [test]
    local package file purpose

    while read -r package file purpose; do
        case $package in
        '' | '#'*) continue ;;
        esac
        [ -z "$purpose" ] || [ "$purpose" = "${1-}" ] || continue
        [ -e "$file" ] || printf '%s\n' "$package"
    done <"$ROOT/scripts/packages"
}

# Runs a command as root: directly, or by sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }
}

install_packages() { # [test]
    local missing

    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} = 0 ]; then
        return
    fi
    if ! command -v apt-get >/dev/null; then
        die "these Debian packages (or what your distribution calls them) are missing: ${missing[*]}"
    fi
    if ! can_be_root; then
        die "these packages are missing, and neither root nor sudo is at hand to install them:" \
            "${missing[*]}"
    fi
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        "${missing[@]}" >&2
}

# build_tree FOLDER [-Doptions of cmake...] [--target NAME...]: configures at first, and builds.
build_tree() {
    local folder=$1 options=()
    shift

    while [ $# -gt 0 ] && [ "$1" != --target ]; do
        options+=("$1")
        shift
    done
    if [ ! -e "$folder/build.ninja" ]; then
        cmake -S "$ROOT" -B "$folder" -G Ninja "${options[@]}" >&2
    fi
    cmake --build "$folder" "$@" >&2
}

# shellcheck shell=bash
# hack/lib/common.sh - what the scripts in hack/ share: where the tree is, how they speak, how they become root.
# Sourced, never run. Every script that sources it has set -euo pipefail.

HV_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HV_SELF=$(basename "$0")

say() {
        printf '%s: %s\n' "$HV_SELF" "$*"
}

die() {
        printf '%s: %s\n' "$HV_SELF" "$*" >&2
        exit 1
}

# Runs a command as root: directly, or through sudo where that asks no password or may ask on a terminal.
as_root() {
        if [ "$(id -u)" -eq 0 ]; then
                "$@"
        elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
                sudo -- "$@"
        else
                die "'$1' needs root: run this script as root, or install sudo and let $(id -un) use it"
        fi
}

# How many jobs a build may run at once: one a core, or what HV_JOBS says.
jobs_default() {
        printf '%s\n' "${HV_JOBS:-$(nproc)}"
}

# Configures and builds a preset; the compiler speaks only where something fails, and then of everything that does.
build_preset() {
        (
                cd "$HV_ROOT" || exit 1
                cmake --preset "$1" -DHV_TESTS=ON --log-level=WARNING >/dev/null &&
                        cmake --build "build/$1" -j "$(jobs_default)" -- --quiet -k 0
        )
}

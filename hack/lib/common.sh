# shellcheck shell=bash
# hack/lib/common.sh - what the scripts in hack/ share: where the tree is, how they speak, how they build.
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

# How many jobs a build may run at once: one a core, or what HV_JOBS says.
jobs_default() {
        printf '%s\n' "${HV_JOBS:-$(nproc)}"
}

# Configures and builds a preset, every warning an error; the compiler speaks only where something fails, and then of everything that does.
build_preset() {
        (
                cd "$HV_ROOT" || exit 1
                cmake --preset "$1" -DHV_TESTS=ON -DHV_WERROR=ON "${@:2}" --log-level=WARNING >/dev/null &&
                        cmake --build "build/$1" -j "$(jobs_default)" -- --quiet -k 0
        )
}

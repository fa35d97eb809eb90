#!/usr/bin/env bash
# hack/install-deps.sh - installs what hivelet is built with, all of it Debian packages.
#
#   hack/install-deps.sh            what a build needs
#   hack/install-deps.sh --demo     that, and what the demo's image is made of
#   hack/install-deps.sh --engine   that, and a Docker engine
#   hack/install-deps.sh --test     that, and what ./hack/test.sh needs
#   hack/install-deps.sh --list     only prints the packages, installed or not
#
# Works on Debian 12 and 13. Does nothing where everything is there, asks the archive for its lists only when
# it must, starts no service and leaves none running. Needs root, or sudo.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"

# One package a word. a|b: one of them is enough, the first that the archive has is installed. ?a: only where
# the archive has it.
BUILD="gcc libc6-dev cmake ninja-build pkg-config|pkgconf libsystemd-dev libjansson-dev libyaml-dev
       libcurl4-gnutls-dev|libcurl4-openssl-dev libmicrohttpd-dev libgnutls28-dev libsmartcols-dev libarchive-dev libsqlite3-dev nettle-dev
       libgrpc-dev libssl-dev protobuf-c-compiler libprotobuf-c-dev libmnl-dev"
# From Debian 13 on docker.io holds the engine only, and docker-cli the docker command.
DEMO="busybox-static curl ca-certificates"
ENGINE="docker.io|docker-ce ?docker-cli iptables"
TEST="libcmocka-dev clang libclang-rt-dev|libclang-rt-19-dev|libclang-rt-14-dev clang-format clang-tidy cppcheck
      shellcheck yamllint python3 python3-yaml python3-jsonschema python3-cryptography python3-grpcio python3-protobuf protobuf-compiler tzdata git jq binutils util-linux mount e2fsprogs iproute2 iputils-ping wireguard-go wireguard-tools procps
      man-db zsh fish podman catatonit runc docker-registry prometheus systemd debootstrap systemd-container qemu-system-x86 cpio kmod nodejs|npm npm|nodejs chromium fonts-noto-cjk"

usage() {
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
}

is_installed() {
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Is there a version that apt could install?
has_candidate() {
        local found
        found=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
        [ -n "$found" ] && [ "$found" != "(none)" ]
}

# Prints the package to install for one word of the lists, nothing where it is there already, and fails
# where the archive knows none of the names.
missing_of() {
        local name names
        IFS='|' read -ra names <<<"${1#\?}"
        for name in "${names[@]}"; do
                ! is_installed "$name" || return 0
        done
        for name in "${names[@]}"; do
                ! has_candidate "$name" || { printf '%s\n' "$name"; return 0; }
        done
        [[ $1 == \?* ]]
}

# Sets MISSING to what has to be installed and UNKNOWN to what the package lists do not know.
look() {
        local word name
        MISSING=() UNKNOWN=()
        for word in $WANTED; do
                if name=$(missing_of "$word"); then
                        [ -z "$name" ] || MISSING+=("$name")
                else
                        UNKNOWN+=("$word")
                fi
        done
}

# Runs a command as root: directly, or through sudo where that asks no password or may ask on a terminal.
as_root() {
        if [ "$(id -u)" -eq 0 ]; then
                "$@"
        elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
                sudo -- "$@"
        else
                die "only root may install packages, and these are missing: ${MISSING[*]}. Run this script as root, or install sudo and let $(id -un) use it"
        fi
}

# A maintainer script starts its daemon unless policy-rc.d says no. Ours stands only while apt runs.
forbid_services() {
        [ ! -e /usr/sbin/policy-rc.d ] || return 0
        printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
        as_root chmod 0755 /usr/sbin/policy-rc.d
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
}

apt() {
        as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
                apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"
}

update_lists() {
        say "fetching the package lists"
        apt update >"$LOG" 2>&1 || { tail -n 20 "$LOG" >&2; die "apt-get update failed"; }
}

install_missing() {
        apt install -y --no-install-recommends "${MISSING[@]}" >"$LOG" 2>&1
}

WANTED=$BUILD
LIST=
for arg in "$@"; do
        case $arg in
        --demo) WANTED+=" $DEMO" ;;
        --engine) WANTED+=" $DEMO $ENGINE" ;;
        --test) WANTED+=" $DEMO $ENGINE $TEST" ;;
        --list) LIST=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 64 ;;
        esac
done
if [ -n "$LIST" ]; then
        tr -s ' \n' '\n' <<<"$WANTED"
        exit 0
fi
command -v apt-get >/dev/null || die "needs apt-get: Debian 12 and 13 are the supported build hosts"

look
[ ${#MISSING[@]} -gt 0 ] || [ ${#UNKNOWN[@]} -gt 0 ] || exit 0
LOG=$(mktemp)
forbid_services
if [ ${#UNKNOWN[@]} -gt 0 ]; then
        update_lists
        look
        [ ${#UNKNOWN[@]} -eq 0 ] || die "no package for: ${UNKNOWN[*]} (Debian 12 and 13 have them all)"
fi
say "installing ${MISSING[*]}"
if ! install_missing; then
        # The likeliest cause is a list that is older than the archive.
        update_lists
        install_missing || { tail -n 30 "$LOG" >&2; die "apt-get install failed, see above"; }
fi
rm -f "$LOG"
look
[ ${#MISSING[@]} -eq 0 ] || die "still missing after the installation: ${MISSING[*]}"

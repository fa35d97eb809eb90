#!/bin/bash
# python-image.sh - an image with Python and what the shipped task types use, from Debian's packages, in a private engine.
#
#   python-image.sh SOCKET      imports it as hv/python:1 into the engine behind SOCKET
#
# Made once by debootstrap and kept as an archive in $HV_IMAGE_CACHE (default /var/tmp/hivelet-images); needs root, and
# Debian's archive the first time.
set -euo pipefail
export LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

PACKAGES=python3-minimal,python3,python3-pip,python3-pil,python3-sklearn
CACHE=${HV_IMAGE_CACHE:-/var/tmp/hivelet-images}
# shellcheck source=/dev/null
SUITE=$(. /etc/os-release && echo "$VERSION_CODENAME")
KEY=$(echo "$SUITE $PACKAGES 1" | sha256sum | cut -c1-12)
ARCHIVE=$CACHE/python-$SUITE-$KEY.tar

make_archive() {
        local tree mirror
        # shellcheck disable=SC2016 # apt expands it: the mirror that this machine uses
        mirror=$(apt-get indextargets --format '$(SITE)' | grep -v security | sort -u | head -n 1)
        tree=$(mktemp -d "$CACHE/tree.XXXXXX")
        # shellcheck disable=SC2064
        trap "rm -rf --one-file-system '$tree'" EXIT
        chmod 755 "$tree"
        debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$tree" "$mirror" >"$tree.log" 2>&1 ||
                { tail -n 20 "$tree.log" >&2; exit 1; }
        rm -rf "$tree.log" "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}
        ln -sf python3 "$tree/usr/bin/python"
        tar -C "$tree" --one-file-system -cf "$ARCHIVE.$$" .
        mv "$ARCHIVE.$$" "$ARCHIVE"
}

mkdir -p "$CACHE"
exec 9>"$CACHE/lock"
flock 9
[ -s "$ARCHIVE" ] || make_archive
[ -n "${1:-}" ] || exit 0
curl -fsS -m 300 --unix-socket "$1" -H 'Content-Type: application/x-tar' -T "$ARCHIVE" -X POST \
        'http://d/v1.41/images/create?fromSrc=-&repo=hv/python&tag=1' >/dev/null

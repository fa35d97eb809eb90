#!/usr/bin/env bash
# test/state/make-ledger.sh BUILD - writes the golden ledger of the schema that the tree has now.
#
#   ledger-v<N>.db     a ledger of schema N, as the release wrote it
#   ledger-v<N>.txt    what it tells, through the API of that release
#
# Run once, with the release that brings a new schema, and committed with it. A file that is there is never written again: it
# stands for what is on people's disks. test/unit/ledger/test_ledger_golden.c opens all of them.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 64; }
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 0700 "$dir"
"$1/test/unit/ledger/make_golden" "$dir"
# Bytes 60 to 63 of the header are user_version, sqlite.org/fileformat.
version=$((16#$(od -An -tx1 -j60 -N4 "$dir/ledger.db" | tr -d ' ')))
golden=$here/ledger-v$version
if [ -e "$golden.db" ]; then
        echo "make-ledger.sh: $golden.db is there; a released schema is never written again" >&2
        exit 1
fi
cp "$dir/ledger.db" "$golden.db"
cp "$dir/ledger.txt" "$golden.txt"
chmod 0644 "$golden.db" "$golden.txt"
echo "wrote $golden.db and $golden.txt"

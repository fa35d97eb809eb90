#!/usr/bin/env bash
# What hack/cmake/write-build.cmake says of a tree: of a commit, of a changed one, without git.
#
# usage: check_build.sh CMAKE SCRIPT
set -euo pipefail
CMAKE=$1 SCRIPT=$2
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
unset SOURCE_DATE_EPOCH
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
        GIT_COMMITTER_EMAIL=a@b GIT_COMMITTER_DATE="1700000000 +0200"

expect() { # WHAT COMMIT DATE
        "$CMAKE" -DROOT="$DIR/tree" -DOUT="$DIR/out.c" -P "$SCRIPT"
        grep -qF "{ \"$2\", \"$3\" }" "$DIR/out.c" || { echo "$1: expected $2 of $3:" && cat "$DIR/out.c" && exit 1; }
}

mkdir "$DIR/tree"
echo 1 > "$DIR/tree/file"
expect "no git" unknown unknown
SOURCE_DATE_EPOCH=1 expect "no git, but a date" unknown 1970-01-01T00:00:01Z
git -C "$DIR/tree" init -q
expect "no commit" unknown unknown
git -C "$DIR/tree" add file
git -C "$DIR/tree" commit -qm one
commit=$(git -C "$DIR/tree" rev-parse --short=12 HEAD)
expect "a commit" "$commit" 2023-11-14T22:13:20Z
SOURCE_DATE_EPOCH=2 expect "the date of whoever builds" "$commit" 1970-01-01T00:00:02Z
git -C "$DIR/tree" tag -am v1 v1
expect "a tag names no commit" "$commit" 2023-11-14T22:13:20Z
touch -d @1 "$DIR/out.c"
expect "the same again" "$commit" 2023-11-14T22:13:20Z
[ "$(stat -c %Y "$DIR/out.c")" = 1 ] || { echo "written although it is the same" && exit 1; }
echo 2 > "$DIR/tree/file"
expect "a changed tree" "$commit-dirty" 2023-11-14T22:13:20Z

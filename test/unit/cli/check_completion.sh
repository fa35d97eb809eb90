#!/usr/bin/env bash
# What bash completes with `hivectl completion bash`, without an agent. Names of objects: test_cli_lines.
#
# usage: check_completion.sh HIVECTL
set -euo pipefail
PATH=$(dirname "$1"):$PATH
export HIVELET_SOCKET=/nonexistent/hivelet.sock
# shellcheck source=/dev/null
source <(hivectl completion bash)
complete -p hivectl >/dev/null

failed=0
# expect WORDS... -- REPLIES: completing the last word gives exactly these.
expect() {
        local wanted
        COMP_WORDS=()
        while [ "$1" != -- ]; do
                COMP_WORDS+=("$1")
                shift
        done
        shift
        wanted=$*
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMPREPLY=()
        _hivectl
        if [ "${COMPREPLY[*]-}" != "$wanted" ]; then
                printf '%s: wanted "%s", got "%s"\n' "${COMP_WORDS[*]}" "$wanted" "${COMPREPLY[*]-}"
                failed=1
        fi
}

expect hivectl va -- validate
expect hivectl re -- revisions reload receipt
expect hivectl get serv -- services service/
expect hivectl get svc -o j -- json
expect hivectl get svc --output n -- name
expect hivectl validate -o '' -- json text sarif github
expect hivectl apply --acc -- --accept-prune
expect hivectl wait --for '' -- synced ready
expect hivectl completion f -- fish
expect hivectl help ap -- apply
expect hivectl explain services.restart.b -- services.restart.backoff
expect hivectl why svc/ --
expect hivectl nonsense x --
exit $failed

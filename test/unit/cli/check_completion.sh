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
expect hivectl rollb -- rollback
expect hivectl rollback --acc -- --accept-prune
expect hivectl re -- revisions reload restart release receipt
expect hivectl get serv -- services service/
expect hivectl get svc -o j -- json jsonl jsonpath=
expect hivectl get svc -o '' -- table wide json yaml name jsonl jsonpath= custom-columns=
expect hivectl get svc --output n -- name
expect hivectl validate -o '' -- json text sarif github
expect hivectl apply --acc -- --accept-prune
expect hivectl wait --for '' -- synced ready
expect hivectl completion f -- fish
expect hivectl help ap -- apply
expect hivectl explain services.restart.b -- services.restart.backoff
expect hivectl why svc/ --
expect hivectl nonsense x --

# zsh and fish: the first of each reply, in any order of the shell's own.
# same SHELL WORDS WANTED GOT
same() {
        if [ "$3" != "$4" ]; then
                printf '%s: %s: wanted "%s", got "%s"\n' "$1" "$2" "$3" "$4"
                failed=1
        fi
}

# Without zle there is no completion system: what the function hands to it is printed.
in_zsh() {
        zsh -f -c 'compdef() { }; _files() { print files; }; _describe() { print -l -- "${(@)${(@P)2}%%:*}"; }
                   eval "$(hivectl completion zsh)"; words=("$@"); CURRENT=$#; _hivectl' zsh "$@" | sort | tr '\n' ' '
}
in_fish() {
        fish --no-config -c 'hivectl completion fish | source; complete -C $argv[1]' "$1" | cut -f1 | sort | tr '\n' ' '
}

same zsh 'va' 'validate ' "$(in_zsh hivectl va)"
same zsh 'get serv' 'service/ services ' "$(in_zsh hivectl get serv)"
same zsh 'get svc -o y' 'yaml ' "$(in_zsh hivectl get svc -o y)"
same zsh 'apply -f' 'files ' "$(in_zsh hivectl apply -f '')"
same zsh 'why svc/ without an agent' '' "$(in_zsh hivectl why svc/ | tr -d '\n ')"
same fish 'va' 'validate ' "$(in_fish 'hivectl va')"
same fish 'get serv' 'service/ services ' "$(in_fish 'hivectl get serv')"
same fish 'get svc -o y' 'yaml ' "$(in_fish 'hivectl get svc -o y')"
same fish 'why svc/ without an agent' '' "$(in_fish 'hivectl why svc/')"
exit $failed

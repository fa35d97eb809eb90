#!/usr/bin/env bash
# hack/test.sh - installs what the tests need, builds, runs every test and says at the end what passed.
#
#   hack/test.sh             all that CI runs
#   hack/test.sh --quick     only the unit tests, under AddressSanitizer
#   hack/test.sh --full      all, the tests with the label "long", and fresh machines: a newcomer's, and one with Debian 13
#   hack/test.sh --no-deps   does not look for missing packages (with any of the above)
#
# A tier is one row of the table at the end: a check, a build, or the ctests of one label. Two lanes run beside each
# other, one that works on real engines and one that works on the code; within a lane the tiers follow one another. A
# tier that fails fails the run, and the others still report. A test that skips itself has failed. What each tier
# printed stays in build/test/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "$0")/lib/common.sh"

usage() {
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
}

MODE=ci DEPS=yes
for arg in "$@"; do
        case $arg in
        --quick) MODE=quick ;;
        --full) MODE=full ;;
        --no-deps) DEPS= ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 64 ;;
        esac
done

OUT=$HV_ROOT/build/test
TIERS=(unit sim fuzz integration e2e web nspawn vm newcomer) # every ctest carries at least one of these labels

# --- one tier ---------------------------------------------------------------------------------------------

# row LANE TIER PASSED FAILED CASES SECONDS: one line of the table, kept in the order of the lane.
row() {
        printf '%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$4" "$5" "$6" >>"$OUT/$1.rows"
}

# Shows why a tier failed: what it printed, the end of it.
show_failure() {
        printf -- '---- %s failed; the end of %s:\n' "$1" "${2#"$HV_ROOT"/}"
        tail -n "${HV_TAIL:-120}" "$2"
        printf -- '---- end of %s\n' "$1"
}

# check LANE TIER COMMAND...: passes or fails as a whole.
check() {
        local lane=$1 tier=$2 log=$OUT/$2.log start=$SECONDS
        shift 2
        if "$@" >"$log" 2>&1; then
                row "$lane" "$tier" 1 0 - $((SECONDS - start))
                say "$tier: passed ($((SECONDS - start)) s)"
        else
                row "$lane" "$tier" 0 1 - $((SECONDS - start))
                show_failure "$tier" "$log"
                return 1
        fi
}

# tests LANE PRESET LABEL [JOBS [NAME]]: the ctests of one label in one build, of these the one of this name. An empty label set is
# fine only while the tree has no such test; list_of_tests makes sure that none is forgotten.
tests() {
        local lane=$1 preset=$2 label=$3 jobs=${4:-1} name=${5:-.*} start=$SECONDS counts passed failed cases
        local log=$OUT/$label-$preset.log xml=$OUT/$label-$preset.xml long=(-LE '^long$')
        [ "$MODE" != full ] || long=()
        if ! grep -qx "$label" "$OUT/labels"; then
                return 0
        fi
        ctest --test-dir "$HV_ROOT/build/$preset" -L "^$label\$" -R "^$name\$" "${long[@]}" -j "$jobs" --timeout 600 \
                --no-tests=error --output-on-failure --test-output-size-passed 4000000 --output-junit "$xml" \
                >"$log" 2>&1 || true
        counts=$("$HV_ROOT/hack/lib/ctest-counts" "$xml" 2>>"$log") || counts="0 1 0"
        read -r passed failed cases <<<"$counts"
        row "$lane" "$label ($preset)" "$passed" "$failed" "$cases" $((SECONDS - start))
        if [ "$failed" -gt 0 ]; then
                show_failure "$label ($preset)" "$log"
                return 1
        fi
        say "$label ($preset): $passed passed, $cases cases ($((SECONDS - start)) s)"
}

# Every ctest must belong to a tier, or nobody would run it. Configuring alone tells which tests there are, so this is
# found before anything is built. Writes the labels that the tree uses.
# shellcheck disable=SC2317 # called by name, through check()
list_of_tests() {
        cmake --preset "$1" "${@:2}" -DHV_TESTS=ON -DHV_WERROR=ON --log-level=WARNING || return 1
        ctest --test-dir "$HV_ROOT/build/$1" --show-only=json-v1 >"$OUT/ctest.json" || return 1
        "$HV_ROOT/hack/lib/ctest-labels" "$OUT/ctest.json" "$OUT/labels" "${TIERS[@]}"
}

# --- the lanes --------------------------------------------------------------------------------------------

# The built programs, on a real engine and under a real systemd.
lane_real() {
        local bad=0 build=$HV_ROOT/build/release
        check real "build (release)" build_preset release -DHV_WEB=ON || return 1
        tests real release unit 2 || bad=1
        check real hardening "$HV_ROOT/hack/check-hardening" "$build"/cmd/hivelet/hivelet "$build"/cmd/hivectl/hivectl \
                "$build"/cmd/hivepool/hivepool || bad=1
        check real "reference pages" "$HV_ROOT/hack/gen-docs" "$build" --check || bad=1
        check real "man pages" "$HV_ROOT/hack/gen-man" "$build" --check || bad=1
        check real install "$HV_ROOT/hack/check-install" "$build" || bad=1
        check real docs "$HV_ROOT/hack/check-docs" --programs "$build" || bad=1
        check real monitoring "$HV_ROOT/hack/check-monitoring" "$build" || bad=1
        check real "quick start" "$HV_ROOT/hack/check-quickstart" || bad=1
        tests real release integration || bad=1
        tests real release e2e 2 || bad=1 # each program has an engine, namespaces and cgroups of its own, and waits more than it works
        check real "web sources" "$HV_ROOT/hack/check-web" "$build" || bad=1
        tests real release web || bad=1
        tests real release nspawn || bad=1
        tests real release vm || bad=1 # late: it emulates every instruction
        [ "$MODE" != full ] || tests real release newcomer || bad=1
        return $bad
}

# The code: what can be said without an engine.
lane_code() {
        local bad=0
        check code shell "$HV_ROOT/hack/check-shell" || bad=1
        # Debian 12 has the release of clang-format that the tree is formatted with, Debian 13 has not.
        if "$HV_ROOT/hack/check-format" --can; then
                check code format "$HV_ROOT/hack/check-format" || bad=1
        fi
        if check code "build (asan)" build_preset asan; then
                check code layers "$HV_ROOT/hack/check-layers" --self-test --objects "$HV_ROOT/build/asan" || bad=1
                tests code asan unit 2 || bad=1
                tests code asan sim 2 || bad=1
                tests code asan fuzz 2 || bad=1
                tests code asan e2e 1 e2e_converge || bad=1 # on an engine of its own, apart from the other lane's
        else
                bad=1
        fi
        check code static "$HV_ROOT/hack/check-static" || bad=1
        return $bad
}

lane_quick() {
        check quick "build (asan)" build_preset asan || return 1
        tests quick asan unit 2
}

table() {
        local passed=0 failed=0 tier p f c s
        printf '\n%-22s %8s %8s %8s %8s  %s\n' TIER PASSED FAILED CASES SECONDS RESULT
        while IFS=$'\t' read -r tier p f c s; do
                printf '%-22s %8s %8s %8s %8s  %s\n' "$tier" "$p" "$f" "$c" "$s" "$([ "$f" -eq 0 ] && echo ok || echo FAILED)"
                passed=$((passed + p)) failed=$((failed + f))
        done < <(cat "$OUT"/*.rows)
        printf '\n%s s in all\n%s passed, %s failed\n' "$SECONDS" "$passed" "$failed"
        [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# --- the run ----------------------------------------------------------------------------------------------

[ -z "$DEPS" ] || "$HV_ROOT/hack/install-deps.sh" --test
rm -rf "$OUT"
mkdir -p "$OUT"
cd "$HV_ROOT"

FIRST=$([ "$MODE" = quick ] && echo asan || echo release)
set +e
: >"$OUT/labels"
check list "list of tests" list_of_tests "$FIRST"
set -m # each lane is a process group, so that an interrupt ends all of it
if [ "$MODE" = quick ]; then
        lane_quick &
        LANES=($!)
else
        lane_code &
        LANES=($!)
        lane_real &
        LANES+=($!)
fi
trap 'for lane in "${LANES[@]}"; do kill -TERM -- "-$lane" 2>/dev/null; done; exit 130' INT TERM
BAD=0
for lane in "${LANES[@]}"; do
        wait "$lane" || BAD=1
done
# Agents that were killed on purpose had no time to remove the cgroups of their tasks: what is empty goes.
find /sys/fs/cgroup -path '*/hivelet.slice*' -depth -type d -exec rmdir {} + 2>/dev/null
table || BAD=1
exit $BAD

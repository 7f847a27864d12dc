#!/bin/bash
# The bench itself: it measures, it checks, it writes its results down, it says no politely, and it
# leaves nothing behind. What it measures is not judged here: this machine may be busy.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/suite.sh
. tests/support/suite.sh

bench=$WF_BUILD/bin/bench

# The folder of its logs, and so of Faktory's data, is ours to look into.
run_bench() { # ARGUMENT... ; its words are in $suite_dir/out and err
    clean_env TMPDIR="$suite_dir/tmp" FAKTORY_BIN="$FAKTORY_BIN" "$bench" "$@" \
        >"$suite_dir/out" 2>"$suite_dir/err"
}
mkdir "$suite_dir/tmp"

measures() {
    local what
    run_bench --smoke --json "$suite_dir/bench.json" ||
        fail "it failed: $(cat "$suite_dir/err" "$suite_dir/out")"
    for what in drain api api-batch first-job sustained pack; do
        holds "no line about $what in: $(cat "$suite_dir/out")" grep -q "^$what " "$suite_dir/out"
    done
    holds "4,000 jobs are not in the JSON" \
        grep -q '"what":"drain","who":"ours","link":"loopback".*"jobs":4000,' "$suite_dir/bench.json"
    same "what is left of its folder" '' "$(ls "$suite_dir/tmp")"
}

refuses() {
    local code=0
    run_bench --repeat none || code=$?
    same "exit code after a bad number" 2 "$code"
    holds "it does not say what is wrong" grep -q 'not a number' "$suite_dir/err"
    code=0
    clean_env "$bench" --smoke 2>"$suite_dir/err" || code=$?
    same "exit code without a Faktory" 2 "$code"
    holds "it does not say what it needs" grep -q 'FAKTORY_BIN' "$suite_dir/err"
}

# Programs with our folder in their command line: Faktory and its Redis.
still_running() {
    local file
    for file in /proc/[0-9]*/cmdline; do
        case $(tr '\0' ' ' 2>/dev/null <"$file" || true) in *"$suite_dir"*) echo "$file" ;; esac
    done
}

stops() {
    local pid code=0 tries=200
    TMPDIR="$suite_dir/tmp" "$bench" --smoke >"$suite_dir/out" 2>"$suite_dir/err" &
    pid=$!
    until [ -n "$(still_running)" ] || [ "$tries" = 0 ]; do
        tries=$((tries - 1))
        sleep 0.05
    done
    holds "it starts no Faktory" test "$tries" -gt 0
    kill -TERM "$pid"
    wait "$pid" || code=$?
    same "exit code after SIGTERM" 1 "$code"
    holds "it does not say that it was stopped" grep -q 'stopped' "$suite_dir/err"
    same "what it left running" '' "$(still_running)"
}

test_case "a short run measures everything, checks every job and leaves nothing" measures
test_case "bad options and a missing Faktory are refused with a reason" refuses
test_case "SIGTERM ends it and what it has started" stops
suite_end test_bench

#!/bin/bash
# --health of both programs, as a container's health check calls it: with the settings of the running
# one, healthy, with Faktory away, and after the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

health() { # PROGRAM [NAME=VALUE...] ; its exit code in $code, its words in $suite_dir/out and err
    local program=$1
    shift
    code=0
    clean_env "$@" "$WF_BIN/$program" --health >"$suite_dir/out" 2>"$suite_dir/err" || code=$?
}

is_well() { # PROGRAM NAME=VALUE
    health "$@"
    same "exit code of $1 --health: $(cat "$suite_dir/err")" 0 "$code"
    holds "its answer is $(cat "$suite_dir/out")" grep -q "^{\"status\":\"healthy\",\"service\":\"$1\"" \
        "$suite_dir/out"
}

is_ill() { # SENTENCE PROGRAM NAME=VALUE
    local sentence=$1
    shift
    health "$@"
    same "exit code of $1 --health" 1 "$code"
    same "what it prints" "" "$(cat "$suite_dir/out")"
    holds "it does not say \"$sentence\": $(cat "$suite_dir/err")" grep -qF "$sentence" "$suite_dir/err"
}

running_programs_are_well() {
    is_well api-service BIND_ADDR="$api_address"
    is_well worker-service WORKER_METRICS_ADDR="$worker_address"
}

# Stopped and never heard again for the worker, whose health is that of its way to Faktory.
knows_a_worker_without_faktory() {
    is_ill '503 {"status":"unhealthy"' worker-service WORKER_METRICS_ADDR="$lost_address"
}

says_what_it_needs() {
    is_ill 'WORKER_METRICS_ADDR="": expected the address that the worker answers on' worker-service
    is_ill 'cannot be asked' api-service BIND_ADDR=127.0.0.1:0
    health api-service BIND_ADDR=nowhere
    same "exit code with a bad setting" 2 "$code"
}

finds_nobody_after_the_end() {
    is_ill 'Connection refused' api-service BIND_ADDR="$api_address"
    is_ill 'Connection refused' worker-service WORKER_METRICS_ADDR="$worker_address"
}

stack_faktory
stack_api
stack_worker
test_case "both programs say that they are well" running_programs_are_well
test_case "what cannot be asked is refused with a reason" says_what_it_needs
stack_stop
test_case "after the end nobody answers" finds_nobody_after_the_end

# One that never finds its Faktory: nobody listens on that port any more.
stack_launch worker env WORKER_METRICS_ADDR=127.0.0.1:0 FAKTORY_URL="tcp://127.0.0.1:$faktory_port" \
    "$WF_BIN/worker-service"
stack_wait_log worker 'metrics on ' || stack_complain worker "open its page"
lost_address=$(sed -n 's/.*metrics on //p' "$stack_dir/worker.log" | head -n 1)
test_case "a worker that does not hear Faktory is not well" knows_a_worker_without_faktory
stack_stop || true # it ends with 1 when it never was connected, or not: not what is tested here
suite_end test_health

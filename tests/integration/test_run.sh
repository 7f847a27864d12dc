#!/bin/bash
# make run, server, worker, down and logs (tools/run.sh): a server with a password and a worker that
# finds it by address, as on two machines, from several terminals.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

run_dir=$suite_dir/run
terminals=()

# What a test left up goes with it.
cleanup() {
    run down >/dev/null 2>&1 || true
    rm -rf "$suite_dir"
}
trap cleanup EXIT

run() { # WHAT [NAME=VALUE...] ; as `make WHAT`
    local what=$1
    shift
    clean_env RUN_DIR="$run_dir" BUILD="${WF_BUILD#"$PWD/"}" HOME="$suite_dir" \
        FAKTORY_BIN="$FAKTORY_BIN" "$@" tools/run.sh ${what:+$what}
}

terminal() { # WHAT UNTIL [NAME=VALUE...] ; in the background, until it has said so
    local what=$1 until=$2 out=$suite_dir/$1.out tries=600
    shift 2
    run "$what" "$@" </dev/null >"$out" 2>&1 &
    terminals+=("$!")
    until grep -qsF "$until" "$out"; do
        tries=$((tries - 1))
        if [ "$tries" = 0 ] || ! is_running "${terminals[-1]}"; then
            fail "$what did not come up: $(cat "$out")"
        fi
        sleep 0.05
    done
}

wait_terminals() { # sets `codes`
    local pid code
    codes=
    for pid in "${terminals[@]}"; do
        code=0
        wait "$pid" || code=$?
        codes+=" $code"
    done
}

address_of() { # WHAT LABEL ; from what it printed
    sed -n "s|^  $2  *\(http://\)\{0,1\}\([^ ]*\).*|\2|p" "$suite_dir/$1.out"
}

add() { # ADDRESS ; submits a job
    curl -sf -m 20 -H 'Content-Type: application/json' -d '{"a": 2, "b": 3}' -o /dev/null \
        "http://$1/jobs/add"
}

is_done() { # ADDRESS JOBS
    [ "$(json_number "$(curl -sf -m 20 "http://$1/stats")" total_processed)" = "$2" ]
}

wait_done() { # ADDRESS JOBS
    local tries=60
    until is_done "$1" "$2"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "not done: $(curl -s -m 20 "http://$1/stats")"
        sleep 0.5
    done
}

everything() {
    local api
    terminal '' 'Stop with Ctrl-C'
    api=$(address_of '' API)
    add "$api"
    wait_done "$api" 1
    refused 'make down' '' # a second one in the same folder
    run down >"$suite_dir/down"
    holds "down does not say what it did" grep -q '^Ended' "$suite_dir/down"
    wait_terminals
    same "exit codes" " 0" "$codes"
    same "what down says then" "Nothing runs in $run_dir." "$(run down)"
}

server_and_worker() {
    local api port secret
    terminal server 'Stop with Ctrl-C'
    port=$(sed -n 's/^  Faktory  *port \([0-9]*\),.*/\1/p' "$suite_dir/server.out")
    api=127.0.0.1:$(address_of server API | sed 's/.*://')
    terminal worker 'Stop with Ctrl-C' FAKTORY_SERVER_IP="127.0.0.1:$port" \
        FAKTORY_PASSWORD="$run_dir/password" WORKER_CONCURRENCY=7 PROFILE=wireless
    add "$api"
    wait_done "$api" 2 # with the one of the run before: its data is still there
    holds "the worker does not use what it was given" \
        grep -q 'Concurrency: 7 ' "$run_dir/worker/worker.log"
    show_logs worker 'Concurrency: 7'
    show_logs api 'listening on'
    run down >"$suite_dir/down"
    same "what down ended" 2 "$(grep -c '^Ended' "$suite_dir/down")"
    wait_terminals
    same "exit codes" " 0 0" "$codes"
    secret=$(cat "$run_dir/password")
    same "mode of the password" 600 "$(stat -c %a "$run_dir/password")"
    holds "the password is in an output or a log" \
        test -z "$(grep -rlF "$secret" "$suite_dir"/*.out "$run_dir"/*.log "$run_dir"/worker/*.log)"
}

# One that fits into no URL, by its value; the worker has it in its URL, too, as such.
any_password() {
    local api port secret='p@ss:w/rd %41#?'
    terminals=()
    terminal server 'Stop with Ctrl-C' FAKTORY_PASSWORD="$secret"
    port=$(sed -n 's/^  Faktory  *port \([0-9]*\),.*/\1/p' "$suite_dir/server.out")
    api=127.0.0.1:$(address_of server API | sed 's/.*://')
    terminal worker 'Stop with Ctrl-C' FAKTORY_PASSWORD="$secret" \
        FAKTORY_URL="tcp://:p%40ss%3Aw%2Frd%20%2541%23%3F@127.0.0.1:$port"
    add "$api"
    wait_done "$api" 3
    run down >"$suite_dir/down"
    wait_terminals
    same "exit codes" " 0 0" "$codes"
    holds "the password is in an output or a log" test -z "$(grep -rlF -e "$secret" -e 'p%40ss' \
        "$suite_dir"/*.out "$run_dir"/*.log "$run_dir"/worker/*.log)"
}

show_logs() { # SERVICE TEXT
    local pid tries=100
    RUN_DIR="$run_dir" tools/run.sh logs "$1" >"$suite_dir/logs" 2>&1 &
    pid=$! # which tail has in the end
    until grep -qF "$2" "$suite_dir/logs"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || break
        sleep 0.05
    done
    kill "$pid"
    wait "$pid" || true
    holds "logs of $1: $(cat "$suite_dir/logs")" test "$tries" -gt 0
}

refused() { # SAYING WHAT [NAME=VALUE...]
    local saying=$1 code=0
    shift
    run "$@" >"$suite_dir/out" 2>&1 || code=$?
    holds "$* ended with code 0" test "$code" != 0
    holds "$* does not say '$saying': $(cat "$suite_dir/out")" grep -qF "$saying" "$suite_dir/out"
}

refuses() {
    refused 'FAKTORY_SERVER_IP' worker
    refused 'there is no env/.env.moon' worker FAKTORY_SERVER_IP=127.0.0.1 PROFILE=moon
    refused "open $suite_dir/none: no such file" server FAKTORY_PASSWORD="$suite_dir/none"
    refused "FAKTORY_PASSWORD=\"$suite_dir/none\": expected" worker FAKTORY_SERVER_IP=127.0.0.1 \
        FAKTORY_PASSWORD="$suite_dir/none"
    refused 'expected nothing, server' sideways
}

test_case "make run brings everything up, make down ends it" everything
test_case "make server and make worker work together, with a password that nobody prints" \
    server_and_worker
test_case "the password may be any, and is given to both as it is" any_password
test_case "what is missing or wrong is refused with a reason" refuses
suite_end test_run

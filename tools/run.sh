#!/bin/bash
# Brings the system, or a part of it, up on this machine and stays until Ctrl-C:
#
#   tools/run.sh                 Faktory, the API and a worker, for this machine only (make run)
#   tools/run.sh server          Faktory with a password and the API, for other machines (make server)
#   tools/run.sh worker          a worker for the Faktory on FAKTORY_SERVER_IP (make worker)
#   tools/run.sh down            ends what one of these started in another terminal (make down)
#   tools/run.sh logs [SERVICE]  shows and follows its logs: faktory, api, worker (make logs)
#
# Everything is in build/run (RUN_DIR names another folder), that of `worker` in build/run/worker:
# the logs, and Faktory's data, so a second run goes on with the jobs that the first one left.
# `rm -r build/run` starts afresh. The ports are the well-known ones where they are free, else any.
# Settings of both programs in the environment hold (`make run WORKER_CONCURRENCY=200`), except
# FAKTORY_URL, which only `worker` takes: instead of FAKTORY_SERVER_IP and build/run/password.
#
# The password is FAKTORY_PASSWORD (a value that starts with a slash names a file), else the one in
# build/run/password, which `server` makes. PROFILE (lan) is the profile of `server` and `worker`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/stack.sh
. tools/stack.sh

what=${1:-all}
build=${BUILD:-build/release}
WF_BIN=$PWD/$build/bin
run_dir=$(realpath -m "${RUN_DIR:-build/run}")
case $what in worker) dir=$run_dir/worker ;; *) dir=$run_dir ;; esac

finish() { # CODE
    trap '' INT TERM HUP
    trap - EXIT
    echo
    echo "Stopping; what did not start yet stays in Faktory for the next run."
    stack_stop || [ "$1" != 0 ] || set -- 1
    rm -f "$dir/pid"
    exit "$1"
}

port_or_any() { # PORT
    if port_taken "$1"; then free_port; else echo "$1"; fi
}

# One at a time in a folder. The lock is held by what was started, too.
take_folder() {
    stack_init "$dir"
    exec 8>"$dir/lock"
    if ! flock -n 8; then
        say "Another \`make run\` uses $dir. End it (make down), or name another folder:" \
            "RUN_DIR=/tmp/wf make run"
        exit 1
    fi
    echo $$ >"$dir/pid"
    trap 'finish 0' INT TERM HUP
    trap 'finish 1' EXIT
}

# ---- the password; Faktory and our programs read it alike, and it goes into no output ----

find_password() { # sets faktory_password
    faktory_password=${FAKTORY_PASSWORD:-}
    if [ -z "$faktory_password" ] && [ -e "$run_dir/password" ]; then
        faktory_password=$run_dir/password
    fi
}

make_password() {
    find_password
    [ -z "$faktory_password" ] || return 0
    mkdir -p "$run_dir"
    (umask 077 && head -c 24 /dev/urandom | base64 >"$run_dir/password")
    find_password
}

# ---- what is brought up ----

profile() {
    local file=env/.env.${PROFILE:-lan}
    if [ ! -e "$file" ]; then
        say "PROFILE=$PROFILE: there is no $file, only $(cd env && echo .env.*)."
        exit 1
    fi
    echo "$PWD/$file"
}

run_all() {
    local bind=${BIND_ADDR:-127.0.0.1:$(port_or_any 3000)} info
    local metrics=${WORKER_METRICS_ADDR:-127.0.0.1:$(port_or_any 9101)}
    take_folder
    echo "Starting Faktory, the API and a worker ..."
    stack_faktory "$(port_or_any 7419)" "$(port_or_any 7420)"
    stack_api BIND_ADDR="$bind"
    stack_worker WORKER_METRICS_ADDR="$metrics"
    info=$(stack_info) || info=
    cat <<END

  API                 http://$api_address
  Faktory             tcp://127.0.0.1:$faktory_port
  Faktory's web page  http://127.0.0.1:$web_port
  worker's metrics    http://$worker_address/metrics
  logs and data       $dir

Try:

  curl --json '{"a": 2, "b": 3}' http://$api_address/jobs/add
  curl http://$api_address/stats

Jobs processed so far, with those of earlier runs: $(json_number "$info" total_processed || echo 0)
END
}

run_server() {
    local bind=${BIND_ADDR:-0.0.0.0:$(port_or_any 3000)} file where="that of FAKTORY_PASSWORD"
    file=$(profile)
    [ -n "${FAKTORY_PASSWORD:-}" ] || where="in $run_dir/password"
    make_password
    take_folder
    stack_api_args=(--env-file "$file")
    faktory_host=0.0.0.0
    echo "Starting Faktory and the API ..."
    stack_faktory "$(port_or_any 7419)" "$(port_or_any 7420)"
    stack_api BIND_ADDR="$bind"
    cat <<END

  API                 http://$api_address (no password)
  Faktory             port $faktory_port, with the password
  Faktory's web page  http://127.0.0.1:$web_port, any user and the password
  password            $where
  logs and data       $dir

On a worker's machine, with the password in a file there:

  make worker FAKTORY_SERVER_IP=(this machine) FAKTORY_PASSWORD=/path/to/password

END
}

run_worker() {
    local file
    file=$(profile)
    if [ -z "${FAKTORY_URL:-}${FAKTORY_SERVER_IP:-}" ]; then
        say "Where is Faktory? make worker FAKTORY_SERVER_IP=192.168.1.10"
        exit 1
    fi
    if [ -n "${FAKTORY_URL:-}" ]; then
        faktory_url=$FAKTORY_URL faktory_password=${FAKTORY_PASSWORD:-} # it may have one itself
    else
        faktory_url=tcp://$FAKTORY_SERVER_IP
        find_password
    fi
    FAKTORY_BIN=${FAKTORY_BIN:-$(type -P true)} # there is none to start
    take_folder
    stack_worker_args=(--env-file "$file")
    stack_worker ${WORKER_METRICS_ADDR:+"WORKER_METRICS_ADDR=$WORKER_METRICS_ADDR"}
    echo "  a worker, metrics on http://$worker_address/metrics, logs in $dir"
}

# Stays while all of them do.
stay() {
    local i
    echo "Stop with Ctrl-C, or \`make down\` elsewhere."
    while sleep 1; do
        for i in "${!stack_names[@]}"; do
            if ! is_running "${stack_pids[i]}"; then
                stack_complain "${stack_names[i]}" "stay up" || finish 1
            fi
        done
    done
}

# ---- from another terminal ----

end_folder() { # DIR ; 1: nothing runs there
    local pid command
    [ -e "$1/lock" ] || return 1
    exec 8>"$1/lock"
    if flock -n 8; then return 1; fi
    pid=$(cat "$1/pid" 2>/dev/null) || pid=
    command=$(tr '\0' ' ' 2>/dev/null <"/proc/${pid:-none}/cmdline") || command=
    if [[ $command != *run.sh* ]]; then
        say "What was started in $1 is there, but not the script that started it. Its processes:" \
            "fuser $1/lock"
        exit 2
    fi
    kill -TERM "$pid"
    if ! flock -w $((3 * stack_end_s)) 8; then
        say "What was started in $1 did not end within $((3 * stack_end_s)) s; see $1/*.log."
        exit 2
    fi
    echo "Ended what was started in $1."
}

down() {
    local ended=''
    # The worker first, so that it can say what became of its jobs.
    for dir in "$run_dir/worker" "$run_dir"; do
        if end_folder "$dir"; then ended=1; fi
    done
    [ -n "$ended" ] || echo "Nothing runs in $run_dir."
}

logs() { # [SERVICE]
    local files=()
    mapfile -t files < <(compgen -G "$run_dir/${1:-*}.log" || true
        compgen -G "$run_dir/worker/${1:-*}.log" || true)
    if [ ${#files[@]} = 0 ]; then
        say "There is no log ${1:+of $1 }in $run_dir; \`make run\` makes them."
        exit 1
    fi
    exec tail -n 50 -F "${files[@]}"
}

case $what in
all)
    stack_forget_settings FAKTORY_URL FAKTORY_PASSWORD FAKTORY_ENV FAKTORY_SKIP_PASSWORD \
        FAKTORY_PROVIDER
    run_all
    stay
    ;;
server)
    stack_forget_settings FAKTORY_URL FAKTORY_ENV FAKTORY_SKIP_PASSWORD FAKTORY_PROVIDER
    run_server
    stay
    ;;
worker)
    run_worker
    stay
    ;;
down) down ;;
logs) logs "${2:-}" ;;
*)
    say "tools/run.sh: $what: expected nothing, server, worker, down or logs"
    exit 2
    ;;
esac

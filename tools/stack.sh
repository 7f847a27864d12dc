# shellcheck shell=bash
# A private Faktory, the API and a worker, for scripts: sourced by tools/demo.sh, tools/run.sh and
# tests. Needs bash and coreutils; FAKTORY_BIN is the Faktory, WF_BIN the folder of our programs.
#
#   stack_init DIR                     logs and Faktory's data go to DIR
#   stack_faktory [PORT [WEB_PORT]]    starts it; sets faktory_port, web_port (0: no web page)
#   stack_api [NAME=VALUE...]          starts it; sets api_address (host:port)
#   stack_worker [NAME=VALUE...]       starts it; sets worker_address (of its metrics, or empty)
#   stack_info                         prints Faktory's INFO, one line of JSON
#   stack_stop                         stops what was started, the last one first
#
# Between stack_init and the starts may be set: faktory_host (127.0.0.1), the address that Faktory
# listens on; faktory_password (none), the FAKTORY_PASSWORD of all of them, with which Faktory runs in
# production mode; faktory_url, for programs without a Faktory of ours; stack_api_args and
# stack_worker_args, options of the programs.
#
# Each start waits until the program is ready and returns 1 with a sentence on standard error when
# it does not get there. What is started has a process group of its own, so Ctrl-C reaches only the
# script, which then stops things in order; whoever sources this sets a trap that calls stack_stop.
#
# shellcheck disable=SC2034 # the variables are for whoever sources this

stack_ready_s=30 # longest wait for a program to get ready
stack_end_s=40   # and to end after SIGTERM; longer than the services' own time-outs

say() { printf '%s\n' "$*" >&2; }

# Settings of whoever calls are not for a private Faktory.
stack_forget_settings() { # PREFIX...
    local prefix name
    for prefix in "$@"; do
        for name in $(compgen -v "$prefix"); do
            [ "$name" = FAKTORY_BIN ] || unset "$name"
        done
    done
}

stack_init() { # DIR
    stack_dir=$1
    stack_names=() stack_pids=() stack_told=
    faktory_port='' web_port=0 api_address='' worker_address='' redis_pid=
    faktory_host=${faktory_host:-127.0.0.1} faktory_password=${faktory_password:-}
    faktory_url=${faktory_url:-} stack_api_args=() stack_worker_args=()
    if [ -z "${FAKTORY_BIN:-}" ] || [ ! -x "$FAKTORY_BIN" ]; then
        say "FAKTORY_BIN=${FAKTORY_BIN:-} is not a program; \`make demo\` and \`make run\` find one."
        return 1
    fi
    # Faktory talks to its Redis over a socket in this folder; a longer path does not fit.
    if [ ${#stack_dir} -gt 80 ]; then
        say "The path $stack_dir is too long for a Unix socket in it."
        return 1
    fi
    mkdir -p "$stack_dir"
    export no_proxy='*' # for curl: nothing here is beyond a proxy
}

# ---- processes ----

stack_launch() { # NAME COMMAND... ; its output goes to DIR/NAME.log
    local name=$1
    shift
    : >"$stack_dir/$name.log"
    set -m # a process group of its own
    "$@" </dev/null >>"$stack_dir/$name.log" 2>&1 &
    set +m
    stack_names+=("$name") stack_pids+=("$!")
}

stack_pid() { # NAME
    local i
    for i in "${!stack_names[@]}"; do
        [ "${stack_names[i]}" != "$1" ] || echo "${stack_pids[i]}"
    done
}

is_running() { # PID ; true for neither a zombie nor nothing
    local stat
    [ -n "$1" ] || return 1
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    case ${stat##*) } in [ZX]*) return 1 ;; esac
}

# Waits until the log has a line with the text. 1: the program ended first, or it took too long.
stack_wait_log() { # NAME TEXT
    local pid tries=$((stack_ready_s * 20))
    pid=$(stack_pid "$1")
    until grep -qsF -- "$2" "$stack_dir/$1.log"; do
        is_running "$pid" || return 1
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

stack_complain() { # NAME WHAT
    say "$1 did not $2. The end of its log ($stack_dir/$1.log):"
    tail -n 15 "$stack_dir/$1.log" | sed 's/^/    /' >&2
    return 1
}

# ---- Faktory ----

port_taken() { # PORT ; somebody listens there (state 0A)
    local hex
    hex=$(printf '%04X' "$1")
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -qE "^ *[0-9]+: [0-9A-F]+:$hex .* 0A "
}

# Below the range that the kernel takes ports for outgoing connections from.
free_port() {
    local port
    while :; do
        port=$((10000 + RANDOM % 20000))
        port_taken "$port" || break
    done
    echo "$port"
}

child_of() { # PID NAME
    local stat text
    for stat in /proc/[0-9]*/stat; do
        { read -r text <"$stat"; } 2>/dev/null || continue
        case $text in *"($2"*) ;; *) continue ;; esac
        # shellcheck disable=SC2086 # fields
        set -- "$1" "$2" ${text##*) }
        if [ "$4" = "$1" ]; then
            text=${stat%/stat}
            echo "${text#/proc/}"
        fi
    done
}

# Says whether there was an attempt that is worth another: a port was taken meanwhile.
faktory_attempt() {
    local web=:0 mode=development
    [ "$web_port" = 0 ] || web=127.0.0.1:$web_port
    [ -z "$faktory_password" ] || mode=production
    FAKTORY_PASSWORD=$faktory_password stack_launch faktory "$FAKTORY_BIN" \
        -b "$faktory_host:$faktory_port" -w "$web" -e $mode -l info -d "$stack_dir/db" \
        -c "$stack_dir/conf"
    stack_wait_log faktory "listening at $faktory_host:$faktory_port" || return 1
    redis_pid=$(child_of "$(stack_pid faktory)" redis-server)
    faktory_url=tcp://127.0.0.1:$faktory_port
    [ -n "$faktory_password" ] || stack_info >/dev/null # it knows no passwords
}

stack_faktory() { # [PORT [WEB_PORT]] ; 0 or none for PORT: any
    local attempt
    web_port=${2:-0}
    mkdir -p "$stack_dir/db" "$stack_dir/conf"
    for attempt in 1 2 3; do
        faktory_port=${1:-0}
        [ "$faktory_port" != 0 ] || faktory_port=$(free_port)
        faktory_attempt && return
        [ "$attempt" = 3 ] || stack_stop
    done
    stack_complain faktory start
}

# Faktory does not like INFO while queues are made: not before the first job is stored, and at most
# once a second.
stack_info() {
    local line
    {
        read -r -t 5 line <&9 && [[ $line == '+HI '* ]] || return 1
        printf 'HELLO {"v":2}\r\nINFO\r\n' >&9
        # +OK, the length of the text, the text
        read -r -t 5 line <&9 && read -r -t 5 line <&9 && read -r -t 5 line <&9 || return 1
    } 9<>"/dev/tcp/127.0.0.1/$faktory_port" 2>/dev/null || return 1
    printf '%s\n' "${line%$'\r'}"
}

json_number() { # JSON NAME ; the first number of that name, for flat questions to INFO
    local rest=${1#*"\"$2\":"}
    [ "$rest" != "$1" ] || return 1
    rest=${rest%%[,\}]*}
    printf '%s\n' "$rest"
}

# ---- our programs ----

stack_api() { # [NAME=VALUE...]
    local line tries=$((stack_ready_s * 10))
    FAKTORY_URL=$faktory_url FAKTORY_PASSWORD=$faktory_password \
        stack_launch api env BIND_ADDR=127.0.0.1:0 "$@" "$WF_BIN/api-service" "${stack_api_args[@]}"
    stack_wait_log api 'listening on ' || stack_complain api start || return 1
    line=$(grep -F -m 1 'listening on ' "$stack_dir/api.log")
    api_address=${line##*listening on }
    until curl -sf -m 5 -o /dev/null "http://$api_address/ready"; do
        tries=$((tries - 1))
        if ! is_running "$(stack_pid api)" || [ $tries = 0 ]; then
            stack_complain api "get ready" || return 1
        fi
        sleep 0.1
    done
}

stack_worker() { # [NAME=VALUE...]
    local line
    FAKTORY_URL=$faktory_url FAKTORY_PASSWORD=$faktory_password \
        stack_launch worker env WORKER_METRICS_ADDR=127.0.0.1:0 "$@" \
        "${WF_WORKER:-$WF_BIN/worker-service}" "${stack_worker_args[@]}"
    stack_wait_log worker 'Worker connected and ready' || stack_complain worker "get ready" || return 1
    line=$(grep -F -m 1 'metrics on ' "$stack_dir/worker.log") || true
    worker_address=${line##*metrics on }
}

# ---- stop ----

# Ends one process: SIGTERM, and SIGKILL when it does not obey. Sets `code` to its exit code. A trap
# may come in between and call it again: our programs take a second SIGTERM for "at once".
end_process() { # NAME PID
    local tries=$((stack_end_s * 20))
    code=0
    if [[ $stack_told != *" $2 "* ]]; then
        stack_told+=" $2 "
        kill -TERM "$2" 2>/dev/null || true
    fi
    while is_running "$2" && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.05
    done
    if is_running "$2"; then
        say "$1 did not end within $stack_end_s s after SIGTERM; ending it with SIGKILL."
        kill -KILL "$2" 2>/dev/null || true
    fi
    wait "$2" 2>/dev/null || code=$?
}

# Faktory asks its Redis to save and end; the next start needs that to be over.
await_redis() {
    local tries=400
    [ -n "$redis_pid" ] || return 0
    while is_running "$redis_pid" && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.05
    done
    redis_pid=
}

# Returns 1 when one of our programs ended with another code than 0.
stack_stop() {
    local i code result=0
    for ((i = ${#stack_pids[@]} - 1; i >= 0; i--)); do
        end_process "${stack_names[i]}" "${stack_pids[i]}"
        if [ "$code" != 0 ] && [ "${stack_names[i]}" != faktory ]; then
            say "${stack_names[i]} ended with exit code $code."
            result=1
        fi
    done
    stack_names=() stack_pids=()
    # One that was started a moment before Ctrl-C, and is not in the list yet.
    for i in $(jobs -p); do end_process "a program" "$i"; done
    await_redis
    return $result
}

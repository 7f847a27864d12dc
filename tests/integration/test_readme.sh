#!/bin/bash
# README.md is held to its word: every curl example is replayed against a private Faktory, API and
# worker, the tables of settings are compared with the programs, and the new job type is built.
# ARCHITECTURE.md must name every room, thread and lock.
#
# An example is a block ```console status=N of "$ command" lines (which may go on) and their output.
# Ids and versions in the output count as equal. A block ```console command has commands of wf.
#
# shellcheck disable=SC2016 # backquotes and dollars are README's
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

normal() { sed -E 's/"[0-9a-f]{24}"/"ID"/g; s/("version":)"[^"]*"/\1"VERSION"/'; }

# ---- examples ----

# Runs one command of the README as it stands there, but for the address, and for what is added to
# see the status.
replay() { # STATUS COMMAND WANTED
    local command=${2//http:\/\/localhost:3000/http://$api_address} got
    command=${command/curl /curl -s -m 20 -w '\\n%{http_code}' }
    got=$(eval "$command") || fail "it did not work: $2"
    same "the status of $2" "$1" "${got##*$'\n'}"
    same "the answer to $2" "$(normal <<<"${3%$'\n'}")" "$(normal <<<"${got%$'\n'*}")"
}

examples_work() {
    local line status='' command='' wanted='' more='' n=0
    while IFS= read -r line; do
        case $status/$line in
        '/```console status='*) status=${line##*=} ;;
        /*) ;;
        *'/```' | *'/$ '*)
            if [ -n "$command" ]; then
                replay "$status" "$command" "$wanted"
                n=$((n + 1))
            fi
            command='' wanted=''
            if [ "$line" = '```' ]; then
                status=
            else
                command=${line#'$ '} more=1
            fi
            ;;
        *)
            # A command goes on while its quotes are open or its line ends with a backslash.
            if [ -n "$more" ] && ! bash -nc "$command" 2>/dev/null || [[ $command == *\\ ]]; then
                command+=$'\n'$line
            else
                wanted+=$line$'\n' more=
            fi
            ;;
        esac
    done <README.md
    holds "README has examples" test "$n" -ge 6
}

# Blocks ```console command: in a folder of their own, one after another, with wf from the build.
# Ids and times count as equal, and so do numbers of jobs and widths of columns.
alike() { sed -E 's/^[0-9a-f]{24}$/ID/; s/\([0-9.]+ s, [0-9]+\/s\)/(TIME)/; s/^(default) .*/\1 .../; s/ +/ /g'; }

commands_work() {
    local line inside='' command='' wanted='' n=0 got
    mkdir -p "$suite_dir/commands"
    while IFS= read -r line; do
        case $inside/$line in
        '/```console command') inside=1 ;;
        /*) ;;
        *'/```' | *'/$ '*)
            if [ -n "$command" ]; then
                got=$(cd "$suite_dir/commands" && PATH=$WF_BIN:$PATH eval "$command" 2>&1) ||
                    fail "it did not work: $command: $got"
                same "the output of $command" "$(alike <<<"${wanted%$'\n'}")" "$(alike <<<"$got")"
                n=$((n + 1))
            fi
            command=${line#'$ '} wanted=''
            [ "$line" != '```' ] || inside='' command=''
            ;;
        *) wanted+=$line$'\n' ;;
        esac
    done <README.md
    holds "README has commands" test "$n" -ge 5
}

every_curl_is_an_example() {
    same "lines with a command outside of the blocks that are replayed" "" "$(
        sed '/^```console/,/^```$/d' README.md | grep -n '^\$ \|^ *curl ' || true
    )"
}

# ---- tables ----

settings_of() { # PROGRAM ; NAME DEFAULT, sorted
    clean_env "$WF_BIN/$1" --help | sed -nE 's/^  ([A-Z][A-Z_]+) +(.*)$/\1 \2/p' | sort
}

table_below() { # LINE ; NAME DEFAULT of each row of the first table below that line
    awk -v heading="$1" -F ' *[|] *' '
        $0 == heading { below = 1; next }
        below && /^[|]/ { table = 1; if ($2 ~ /^[A-Z][A-Z_]+$/) print $2, $3; next }
        table { exit }' README.md
}

tables_below() { # LINE...
    local line
    for line in "$@"; do table_below "$line"; done | sort
}

tables_are_true() {
    same "settings of api-service" "$(settings_of api-service)" \
        "$(tables_below 'Both programs:' '`api-service`:')"
    same "settings of worker-service" "$(settings_of worker-service)" \
        "$(tables_below 'Both programs:' '`worker-service`:')"
}

routes_are_named() {
    local method path
    while read -r method path; do
        holds "README does not name $method $path" grep -qF "$method $path" README.md
    done < <(sed -nE 's/^ *\{"([A-Z]+)", "([^"]+)".*/\1 \2/p' api/routes.c)
}

rooms() { make -s print-rooms | sed 's/:.*//'; }

# Those that are started by name, the links, and the loops of several links.
threads() {
    grep -rhoE '(thread_start\(&[^"]*|link_loop_new\(|link_options o = \{\.name = )"[a-z-]+"' api common worker |
        sed 's/.*"\(.*\)"/\1/'
}

# The structs that have a lock.
locks() {
    find api common worker -name '*.[ch]' -exec sed -nE \
        '/^struct [a-z_]+ \{/{s/struct ([a-z_]+) .*/\1/;h;};/^    pthread_mutex_t/{x;p;x;}' {} +
}

# Each line of a list has its row in a table.
architecture_names() { # LIST PATTERN, in which NAME stands for the line
    local name n=0
    while read -r name; do
        holds "ARCHITECTURE.md has no row for $name" grep -qE "^\| ${2//NAME/$name} \|" ARCHITECTURE.md
        n=$((n + 1))
    done < <("$1")
    holds "there are no $1" test "$n" -ge 8
}

architecture_is_complete() {
    architecture_names rooms NAME
    architecture_names threads 'NAME(-[N0])?'
    architecture_names locks '`struct NAME`'
}

# ---- the new job type ----

block() { # FIRST-LINE ; the ```c block that starts with it
    awk -v first="$1" '
        /^```/ { inside = 0; fresh = /^```c$/; next }
        fresh { fresh = 0; inside = index($0, first) == 1 }
        inside' README.md
}

line_for() { # FILE ; the README's line that goes there
    sed -n "s|^\(.*[^ ]\) *// in $1\$|\1|p" README.md
}

# Does in a copy of the tree, beside what is built already, what the README tells its reader to do.
build_greet() { # DIR
    local mode=${WF_BUILD##*/} cc
    cc=$(cut -d ' ' -f 1 "$WF_BUILD/flags")
    mkdir -p "$1/build/$mode"
    cp -a README.md GNUmakefile api common worker tools "$1"
    cp -a "$WF_BUILD"/{api,common,worker,flags,version.[co],*.a} "$1/build/$mode"
    cd "$1"
    block '// worker/handlers/greet.c' >worker/handlers/greet.c
    sed -i "s|^wf_handler math_add;|$(line_for worker/handlers/handlers.h)\n&|" worker/handlers/handlers.h
    sed -i "s|^ *{\"math_add\", math_add},|$(line_for worker/registry.c)\n&|" worker/registry.c
    # Not as a part of the make that runs the tests.
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL NO_INSTALL=1 make MODE="$mode" CC="$cc" WERROR=1 \
        bins >make.log 2>&1 || fail "the new job type does not build: $(cat make.log)"
}

post() { # BODY
    curl -sf -m 20 --json "$1" -o /dev/null "http://$api_address/jobs" || fail "POST /jobs failed"
}

new_job_type_builds() {
    local lines
    lines=$(block '// worker/handlers/greet.c' | wc -l)
    holds "it has $lines lines, not ten" test "$lines" = 10
    (build_greet "$suite_dir/tree")
    holds "there is no program" test -x "$WF_WORKER"
}

new_job_type_runs() {
    holds "the new worker runs" is_running "$(stack_pid worker)"
    post '{"type": "greet", "args": [{"name": "world"}]}'
    post '{"type": "greet", "args": [{}]}'
    holds "it did not greet" stack_wait_log worker 'result="world"'
    holds "a job without a name did not fail" stack_wait_log worker 'type=greet attempt=1 errtype='
    grep -F errtype= "$stack_dir/worker.log" >"$suite_dir/failed"
    holds "it failed otherwise than README says: $(cat "$suite_dir/failed")" \
        grep -qF "$(sed -n 's/^for good with `\(argument 1[^`]*\)`.*/\1/p' README.md)" "$suite_dir/failed"
}

WF_WORKER=$suite_dir/tree/build/${WF_BUILD##*/}/bin/worker-service
stack_faktory
stack_api
test_case "every example answers what README says" examples_work
export WF_API_URL=http://$api_address FAKTORY_URL=tcp://127.0.0.1:$faktory_port
test_case "every command prints what README says" commands_work
unset WF_API_URL FAKTORY_URL
test_case "no command stands in README that is not replayed" every_curl_is_an_example
test_case "README has every setting of both programs, with its default" tables_are_true
test_case "README names every call of the API" routes_are_named
test_case "ARCHITECTURE.md names every room, thread and lock" architecture_is_complete
test_case "the new job type of ten lines builds" new_job_type_builds
[ ! -x "$WF_WORKER" ] || stack_worker LOG_LEVEL=debug || true
test_case "the new job type of ten lines runs" new_job_type_runs
stack_stop
suite_end test_readme

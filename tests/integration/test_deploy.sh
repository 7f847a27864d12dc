#!/bin/bash
# docs/deploy.md is held to its word. Each recipe is followed, as it stands there, on scratch machines
# with a link between them: a block ```sh MACHINE is run there, one that says `stays` is a terminal in
# which a program stays. Then jobs are pushed and every one must be done.
#
# With DEPLOY_MUST=1 (make deploy-test) a machine that cannot do that is a failure, not a skip.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/machines.sh
. tests/support/machines.sh

page=docs/deploy.md
patience=120 # seconds until all jobs of a recipe must be done

# ---- the page ----

# Blocks of a section ("## TITLE"), numbered in order: $suite_dir/blocks/N.sh, and N.info, which has
# the words after ```sh.
read_section() { # TITLE ; sets n_blocks
    rm -rf "$suite_dir/blocks"
    mkdir "$suite_dir/blocks"
    awk -v title="## $1" -v dir="$suite_dir/blocks" '
        /^## / { here = $0 == title }
        here && /^```sh / { n++; print substr($0, 7) >(dir "/" n ".info"); inside = 1; next }
        /^```/ { inside = 0 }
        inside { print >(dir "/" n ".sh") }' "$page"
    n_blocks=$(find "$suite_dir/blocks" -name '*.sh' | wc -l)
    holds "$page has no blocks under '$1'" test "$n_blocks" -gt 0
}

run_block() { # N ; prints what it prints
    local machine
    read -r machine _ <"$suite_dir/blocks/$1.info"
    machine_run "$machine" bash -euc "$(cat "$suite_dir/blocks/$1.sh")" || fail "it did not work:
$(cat "$suite_dir/blocks/$1.sh")"
}

named_block() { # NAME ; of the section on backups
    local info
    read_section 'Durability and backup'
    info=$(grep -lx "server $1" "$suite_dir"/blocks/*.info) || fail "$page has no block $1"
    info=${info##*/}
    run_block "${info%.info}"
}

# A terminal: which program it is says its log, so the label is the program's name.
start_block() { # N
    local machine text label
    read -r machine _ <"$suite_dir/blocks/$1.info"
    text=$(cat "$suite_dir/blocks/$1.sh")
    case $text in
    *api-service*) label=api ;;
    *worker-service*) label=worker ;;
    *faktory*) label=faktory ;;
    *) fail "what stays there? $text" ;;
    esac
    machine_stays "$label" "$machine" bash -c "$text"
}

start_program() { # LABEL ; the one of the section that was read last
    local n
    for ((n = 1; n <= n_blocks; n++)); do
        case $1/$(cat "$suite_dir/blocks/$n.info")/$(cat "$suite_dir/blocks/$n.sh") in
        faktory/*stays/*api-service* | faktory/*stays/*worker-service*) ;;
        faktory/*stays/*faktory*-e* | api/*stays/*api-service* | worker/*stays/*worker-service*)
            start_block "$n"
            return
            ;;
        esac
    done
    fail "no block starts $1"
}

# ---- machines as the page expects them ----

new_machine() { # NAME
    machine_start "$1"
    machine_run "$1" cp -r "$PWD/env" "$WF_BUILD/bin/api-service" "$WF_BUILD/bin/worker-service" .
    machine_run "$1" cp "$FAKTORY_BIN" /usr/local/bin/faktory
    machine_run "$1" rm -rf /etc/faktory /var/lib/faktory /usr/local/lib/faktory
    machine_run "$1" mkdir -p /var/backups
}

new_server() {
    new_machine server
    read_section 'Faktory, once'
    run_block 1
    password=$(machine_run server cat /etc/faktory/password)
}

new_worker() {
    new_machine worker
    # shellcheck disable=SC2016 # the machine's shell expands
    machine_run worker sh -c 'umask 077 && mkdir /etc/faktory && printf "%s\n" "$1" \
        >/etc/faktory/password' sh "$password"
}

# ---- what the API knows ----

stats() { machine_run server curl -sf -m 20 "http://$api/stats"; }

wait_ready() {
    local tries=300
    until machine_run server curl -sf -m 5 -o /dev/null "http://$api/ready"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "the API did not get ready:
$(tail -n 20 "$machines_dir/api.log" "$machines_dir/faktory.log")"
        sleep 0.1
    done
}

push() { # JOBS ; in batches of 1,000
    local i left=$1 n
    while [ "$left" -gt 0 ]; do
        n=$((left < 1000 ? left : 1000))
        {
            printf '{"jobs":[{"operation":"add","a":1,"b":0}'
            for ((i = 1; i < n; i++)); do printf ',{"operation":"add","a":1,"b":%d}' "$i"; done
            printf ']}'
        } | machine_run server curl -sf -m 60 -H 'Content-Type: application/json' --data-binary @- \
            "http://$api/jobs/batch" >"$suite_dir/answer" || fail "a batch was not taken"
        same "jobs taken" "$n" "$(json_number "$(cat "$suite_dir/answer")" count)"
        left=$((left - n))
    done
}

# Jobs in Faktory's queue, from its Redis: what the API says may be a second old.
waits() { machine_run server redis-cli -s /var/lib/faktory/db/redis.sock llen default; }
done_so_far() { json_number "$(stats)" total_processed; }

# Asked once a second: Faktory does not like to be asked more often.
wait_until() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "never: $what; $(stats)
$(tail -n 20 "$machines_dir"/*.log)"
        sleep 1
    done
}

all_done() { [ "$(done_so_far)" = "$1" ]; }
has_waiting() { [ "$(waits)" = "$1" ]; }

wait_all_done() {
    local text name
    text=$(stats)
    wait_until "$patience" "all jobs done" all_done "$(json_number "$text" stored)"
    text=$(stats)
    for name in total_failures working retries dead scheduled; do
        same "$name at the end" 0 "$(json_number "$text" "$name")"
    done
}

listeners() { # MACHINE ; address:port of what listens there
    local address state
    machine_run "$1" cat /proc/thread-self/net/tcp /proc/thread-self/net/tcp6 |
        while read -r _ address _ state _; do
            [ "$state" = 0A ] || continue
            case $address in
            *[1-9A-F]*:*) ;;
            ????????????????????????????????:*) printf '[::]:%d\n' "0x${address##*:}" && continue ;;
            esac
            printf '%d.%d.%d.%d:%d\n' "0x${address:6:2}" "0x${address:4:2}" "0x${address:2:2}" \
                "0x${address:0:2}" "0x${address##*:}"
        done | LC_ALL=C sort
}

# ---- a recipe from start to end ----

begin() {
    trap machines_stop EXIT
    trap 'exit 143' INT TERM
    rm -rf "$machines_dir"
    mkdir "$machines_dir"
}

follow() { # TITLE ; starts what stays, then does the rest
    local n
    read_section "$1"
    for ((n = 1; n <= n_blocks; n++)); do
        case $(cat "$suite_dir/blocks/$n.info") in *stays) start_block "$n" ;; esac
    done
    wait_ready
    for ((n = 1; n <= n_blocks; n++)); do
        case $(cat "$suite_dir/blocks/$n.info") in
        *stays) ;;
        *) run_block "$n" >"$suite_dir/answer" ;;
        esac
    done
}

finish() {
    local label
    for label in worker api; do
        machine_end "$label"
        same "exit code of $label" 0 "$code"
    done
    machine_end faktory
    holds "the password is in a log" test -z "$(grep -lF "$password" "$machines_dir"/*.log)"
}

one_machine() {
    begin
    api=127.0.0.1:3000
    new_server
    follow 'One machine'
    same "what listens" "$(printf '127.0.0.1:%d\n' 3000 7419 7420)" "$(listeners server)"
    push 5000
    wait_all_done
    finish
}

# Faktory asks for a password, and says no to who has none.
asks_for_the_password() { # ADDRESS
    local said
    # shellcheck disable=SC2016 # the machine's shell expands
    said=$(machine_run worker bash -c 'exec 9<>"/dev/tcp/$1/7419" && read -r -t 10 hi <&9 &&
        printf "HELLO {\"v\":2}\r\n" >&9 && read -r -t 10 no <&9 && echo "$hi $no"' bash "$1")
    holds "Faktory lets anybody in: $said" grep -q '"s":.*-ERR Invalid password' <<<"$said"
}

lan() {
    begin
    api=192.168.1.10:3000
    new_server
    new_worker
    machines_link server worker 192.168.1.10 192.168.1.20 --rtt-ms 1 --jitter-ms 0.2
    follow LAN
    same "what listens" "$(printf '%s\n' 0.0.0.0:3000 127.0.0.1:7420 '[::]:7419')" \
        "$(listeners server)"
    asks_for_the_password 192.168.1.10
    push 15000
    machine_end worker # an upgrade in the middle of the work
    same "exit code of the old worker" 0 "$code"
    start_program worker
    wait_all_done
    finish
}

wireless() {
    begin
    api=192.168.1.10:3000
    new_server
    new_worker
    machines_link server worker 192.168.1.10 192.168.1.20 \
        --rtt-ms 8 --jitter-ms 15 --loss 1 --no-gso
    follow 'A worker on Wi-Fi'
    push 4000
    # Out of reach for some seconds, and back.
    kill -STOP "$(machine_pid link)"
    sleep 3
    kill -CONT "$(machine_pid link)"
    wait_all_done
    finish
}

wan() {
    begin
    api=10.8.0.1:3000
    new_server
    new_worker
    machines_link server worker 10.8.0.1 10.8.0.2 --rtt-ms 100 --jitter-ms 10 --loss 0.2 --no-gso
    follow WAN
    same "what listens" "$(printf '%s\n' 10.8.0.1:3000 10.8.0.1:7419 127.0.0.1:7420)" \
        "$(listeners server)"
    push 8000
    wait_all_done
    finish
}

# ---- crash, backup, restore ----

crash() { # Redis is killed, Faktory goes with it, a supervisor starts it again
    local redis
    redis=$(child_of "$(machine_pid faktory)" redis-server)
    holds "there is no Redis" test -n "$redis"
    kill -KILL "$redis"
    wait_until 20 "Faktory ends" faktory_is_gone
    machine_end faktory
    start_again faktory
    wait_ready
}

faktory_is_gone() { ! is_running "$(machine_pid faktory)"; }

start_again() { # PROGRAM ; as it is started on one machine
    read_section 'One machine'
    start_program "$1"
}

keeps_a_log() { [[ $(named_block durable) == *yes ]]; }
log_is_written() {
    machine_run server test -e /var/lib/faktory/db/appendonlydir/appendonly.aof.manifest
}

durable() {
    local redis
    begin
    api=127.0.0.1:3000
    new_server
    start_again faktory
    start_again api
    wait_ready
    holds "it keeps no log" keeps_a_log
    push 500
    crash
    wait_until 20 "500 jobs after a crash" has_waiting 500
    named_block backup >"$suite_dir/answer"
    start_again worker
    wait_until "$patience" "the queue is empty" has_waiting 0
    machine_end worker
    redis=$(child_of "$(machine_pid faktory)" redis-server)
    machine_end faktory
    wait_until 20 "Redis ends" eval "! is_running $redis"
    named_block restore
    start_again faktory
    wait_ready
    wait_until 20 "500 jobs after going back to the backup" has_waiting 500
    holds "a snapshot alone was opened with a log" eval '! keeps_a_log'
    named_block make-log >"$suite_dir/answer"
    wait_until 20 "the log is made" log_is_written
    crash
    holds "the log is not used" keeps_a_log
    wait_until 20 "500 jobs after a crash with the new log" has_waiting 500
    machine_end api
    same "exit code of the API" 0 "$code"
}

# ---- words ----

# Settings, profiles and files that the page names exist.
names_exist() {
    local name known
    known=$(for name in api-service worker-service; do
        clean_env "$WF_BUILD/bin/$name" --check-config
    done | sed -n 's/^\([A-Z_]*\)=.*/\1/p')
    while read -r name; do
        case $name in FAKTORY_SERVER_IP | WORKER_PROFILE) continue ;; esac # of docker/
        holds "there is no setting $name" grep -qx "$name" <<<"$known"
    done < <(grep -oE '\b(FAKTORY|BATCH|API|WORKER|LOG)_[A-Z_]+\b|BIND_ADDR' "$page" | sort -u)
    while read -r name; do
        holds "there is no $name" test -e "$name"
    done < <(grep -oE '\benv/\.env\.[a-z-]+|docs/monitoring/[a-z.-]+' "$page" | sort -u)
    while read -r name; do
        holds "a link goes to docs/$name, which is not there" test -e "docs/$name"
    done < <(grep -oE '\]\([a-z/.]+' "$page" | cut -c 3- | sort -u)
}

alerts_are_explained() {
    local name
    while read -r name; do
        holds "$page does not say why $name fires" grep -qE "^\| .*\b$name\b.* \|" "$page"
    done < <(sed -n 's/^ *- alert: //p' docs/monitoring/work-factory.rules.yml)
    while read -r name; do
        holds "there is no alert $name" \
            grep -qx " *- alert: $name" docs/monitoring/work-factory.rules.yml
    done < <(grep -oE '\bWorkFactory[A-Za-z]+' "$page" | sort -u)
}

followed() { # NAME FUNCTION
    if [ -n "$missing" ] && [ -z "${DEPLOY_MUST:-}" ]; then
        cannot() { skip "$missing"; }
        test_case "$1" cannot
    elif [ -n "$missing" ]; then
        cannot() { fail "$missing"; }
        test_case "$1" cannot
    else
        test_case "$1" "$2"
    fi
}

missing=$(machines_missing | head -n 1)
test_case "settings, profiles and pages that are named exist" names_exist
test_case "every alert has its reason, and no other is spoken of" alerts_are_explained
followed "one machine: all jobs are done, and nothing listens to the outside" one_machine
followed "LAN: all jobs are done, over an upgrade of the worker" lan
followed "Wi-Fi: all jobs are done, over jitter, losses and an outage" wireless
followed "WAN: all jobs are done, 100 ms away" wan
followed "crash, backup and restore lose nothing that they say they keep" durable
suite_end test_deploy

#!/bin/bash
# Brings a private Faktory, the API and a worker up, sends real jobs through them, says what
# happened and stops everything. `make demo` calls it. Exit code 0 only if all of it was right.
#
# Nothing stays behind but, after a failure, the logs in build/demo.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/stack.sh
. tools/stack.sh

build=${BUILD:-build/release}
WF_BIN=$PWD/$build/bin
kept=$PWD/build/demo

singles=1000 # jobs that are submitted one by one, over so many connections
connections=32
batches=10 # and batches of so many
batch_jobs=200
json='Content-Type: application/json'
settle_s=60 # until Faktory must say that all of them are done

dir=
answers=   # every answer of the API, one a line
expected=0 # jobs that the API said it stored

# ---- the end, whatever it is ----

finish() { # CODE
    trap '' INT TERM HUP
    trap - EXIT
    stack_stop || [ "$1" != 0 ] || set -- 1
    if [ "$1" = 1 ] && [ -n "$dir" ]; then
        rm -rf "$kept"
        mkdir -p "$kept"
        cp "$dir"/*.log "$dir"/answers "$kept" 2>/dev/null || true
        say "The logs are in ${kept#"$PWD/"}."
    fi
    [ -z "$dir" ] || rm -rf "$dir"
    exit "$1"
}

wrong() { # SENTENCE
    say
    say "The demo failed: $*"
    finish 1
}

interrupted() {
    say
    say "Interrupted; stopping everything."
    finish 130
}

# ---- submitting ----

# Posts and shows one request; the answer's body is left in $answer.
post() { # WANTED-STATUS PATH BODY
    local reply status
    reply=$(curl -s -m 30 -w '\n%{http_code}' -H "$json" -d "$3" "http://$api_address$2") ||
        wrong "the API did not answer POST $2."
    status=${reply##*$'\n'}
    answer=${reply%$'\n'*}
    printf '  POST %-14s %s\n  %19s -> %s %s\n' "$2" "$3" '' "$status" "$answer"
    [ "$status" = "$1" ] || wrong "POST $2 was answered with $status, expected $1."
    printf '%s\n' "$answer" >>"$answers"
}

post_single() { # PATH BODY
    post 202 "$1" "$2"
    expected=$((expected + 1))
}

# The wanted results, as the worker writes them into its log: arguments, result.
wanted_results=(
    '"a":2,"b":3,' 5
    '"a":10,"b":4.5,' 5.5
    '"a":-3,"b":0.5,"request_id":"order-7"' -1.5
    '"a":1,"b":8,' 0.125
    '"a":1.5,"b":2.25,' 3.75
    '"a":-9,"b":4,' -2.25
    '"a":6,"b":7' 42
)

submit_by_hand() {
    echo "One by one:"
    post_single /jobs/add '{"a":2,"b":3}'
    post_single /jobs/subtract '{"a":10,"b":4.5}'
    post_single /jobs/multiply '{"a":-3,"b":0.5,"request_id":"order-7"}'
    post_single /jobs/divide '{"a":1,"b":8}'
    echo
    echo "Two that cannot work, which only the worker can know:"
    post_single /jobs/divide '{"a":1,"b":0}'
    post_single /jobs '{"type":"send_fax","args":["hello"]}'
    echo
    echo "One that the API refuses:"
    post 400 /jobs/add '{"a":"two","b":3}'
    echo
    echo "A batch, its items in each of the three forms:"
    post 202 /jobs/batch '{"jobs":[{"type":"Add","args":{"a":1.5,"b":2.25}},{"operation":"divide","a":-9,"b":4},{"type":"math_multiply","args":[{"a":6,"b":7}]}]}'
    expected=$((expected + 3))
    echo
}

ms_now() {
    local us=${EPOCHREALTIME//[!0-9]/}
    echo $((us / 1000))
}

per_second() { # JOBS MS
    echo $(($1 * 1000 / ($2 > 0 ? $2 : 1)))
}

# math_add of i and 2 i, each in a request of its own; one curl for all of them.
submit_singles() {
    local i start ms stored
    for ((i = 1; i <= singles; i++)); do
        [ $i = 1 ] || echo next
        printf 'url = "http://%s/jobs/add"\ndata = "{\\"a\\":%d,\\"b\\":%d}"\n' \
            "$api_address" $i $((2 * i))
        printf 'header = "%s"\nmax-time = 30\n' "$json"
    done >"$dir/requests"
    start=$(ms_now)
    curl --no-progress-meter --parallel --parallel-max "$connections" -K "$dir/requests" >"$dir/singles" ||
        wrong "not every request was answered."
    ms=$(($(ms_now) - start))
    stored=$(grep -o '"job_id"' "$dir/singles" | wc -l)
    [ "$stored" = "$singles" ] || wrong "only $stored of $singles requests were answered with a job id."
    cat "$dir/singles" >>"$answers"
    echo >>"$answers"
    expected=$((expected + singles))
    printf '  %d requests with one job each, %d at a time: %d ms, %d jobs stored per second\n' \
        "$singles" "$connections" "$ms" "$(per_second "$singles" "$ms")"
}

# math_multiply of i and -3; one curl, which sends them one after another over one connection.
submit_batches() {
    local i first start ms body
    for ((first = 0; first < batches * batch_jobs; first += batch_jobs)); do
        body=
        for ((i = first + 1; i <= first + batch_jobs; i++)); do
            body+=",{\"operation\":\"multiply\",\"a\":$i,\"b\":-3}"
        done
        printf '{"jobs":[%s]}' "${body#,}" >"$dir/body.$first"
        [ $first = 0 ] || echo next
        printf 'url = "http://%s/jobs/batch"\ndata-binary = "@%s"\n' "$api_address" "$dir/body.$first"
        printf 'header = "%s"\nwrite-out = "\\n"\nfail\nmax-time = 30\n' "$json"
    done >"$dir/requests"
    start=$(ms_now)
    curl --no-progress-meter -K "$dir/requests" >>"$answers" ||
        wrong "a batch of $batch_jobs jobs was not stored."
    ms=$(($(ms_now) - start))
    expected=$((expected + batches * batch_jobs))
    printf '  %d batches of %d jobs, one after another: %d ms, %d jobs stored per second\n' \
        "$batches" "$batch_jobs" "$ms" "$(per_second $((batches * batch_jobs)) "$ms")"
}

# ---- waiting for Faktory's word ----

wait_for_faktory() {
    local deadline=$((SECONDS + settle_s)) info='' name
    while :; do
        for name in api worker; do
            is_running "$(stack_pid $name)" || wrong "the $name ended before its time."
        done
        info=$(stack_info) || wrong "Faktory does not answer."
        processed=$(json_number "$info" total_processed) failures=$(json_number "$info" total_failures)
        dead=$(json_number "$info" dead) retries=$(json_number "$info" retries)
        working=$(json_number "$info" working)
        [ "$processed" != "$expected" ] || [ "$dead" != 2 ] || [ "$working" != 0 ] || return 0
        [ $SECONDS -lt $deadline ] || wrong "after $settle_s s Faktory says that $processed of" \
            "$expected jobs are processed, $working still reserved, $dead dead, expected 2."
        sleep 1
    done
}

# ---- what came out ----

check_results() {
    local i line found
    for ((i = 0; i < ${#wanted_results[@]}; i += 2)); do
        line=$(grep -F 'job done' "$log" | grep -F -- "args=[{${wanted_results[i]}" | head -n 1) || true
        found=${line##*result=}
        [ "$found" = "${wanted_results[i + 1]}" ] ||
            wrong "the job with ${wanted_results[i]} came out as '$found', expected ${wanted_results[i + 1]}."
        line=${line##*type=}
        printf '  %-14s %-42s = %s\n' "${line%% *}" "$(between "$line" 'args=[' '] result')" "$found"
    done
}

between() { # TEXT BEFORE AFTER
    local rest=${1#*"$2"}
    printf '%s' "${rest%%"$3"*}"
}

check_failure() { # TYPE ERRTYPE
    local line
    line=$(grep -F 'job failed' "$log" | grep -F "type=$1 " | head -n 1) || true
    case $line in
    *"errtype=$2 permanent=yes"*) ;;
    *) wrong "the $1 job should have failed for good with $2; the worker's log says '$line'." ;;
    esac
    line=${line##*message=\"}
    printf '  %-14s failed for good: %s: %s\n' "$1" "$2" "${line%\"}"
}

# Every job of the crowd with its right result.
check_crowd() {
    local line a b result type right=0
    while read -r line; do
        [[ $line =~ type=math_(add|multiply)\ .*args=\[\{\"a\":([0-9]+),\"b\":(-?[0-9]+),.*result=(-?[0-9]+)$ ]] ||
            continue
        type=${BASH_REMATCH[1]} a=${BASH_REMATCH[2]} b=${BASH_REMATCH[3]} result=${BASH_REMATCH[4]}
        case $type in
        add) [ $((a + b)) = "$result" ] && [ "$b" = $((2 * a)) ] && right=$((right + 1)) ;;
        multiply) [ $((a * b)) = "$result" ] && [ "$b" = -3 ] && right=$((right + 1)) ;;
        esac || true
    done < <(grep -F 'job done' "$log")
    [ $right = $((singles + batches * batch_jobs)) ] ||
        wrong "$right jobs of the crowd have the right result in the worker's log," \
            "expected $((singles + batches * batch_jobs))."
    printf '  %d others, each with the right result\n' $right
}

# Ids that were answered and ids that were worked off: the same, each once.
check_ids() {
    local n
    grep -oE '"[0-9a-f]{24}"' "$answers" | tr -d '"' | sort >"$dir/answered"
    grep -E 'job (done|failed) ' "$log" | grep -oE 'jid=[0-9a-f]{24}' | sed 's/jid=//' |
        sort >"$dir/worked"
    n=$(sort -u "$dir/answered" | wc -l)
    [ "$n" = "$expected" ] || wrong "the API answered $n different job ids for $expected jobs."
    cmp -s "$dir/answered" "$dir/worked" ||
        wrong "the ids that were answered are not those that were worked off."
    echo "  ids      $n answered, the same $n worked off, each once"
}

metric() { # NAME
    sed -n "s/^$1 //p" "$dir/metrics"
}

check_pushes() {
    local pushes jobs most
    curl -sf -m 10 "http://$api_address/metrics" >"$dir/metrics" || wrong "the API has no metrics."
    pushes=$(metric wf_api_push_batch_jobs_count) jobs=$(metric wf_api_push_batch_jobs_sum)
    [ "${jobs%.*}" = "$expected" ] || wrong "/metrics counts ${jobs:-no} pushed jobs, expected $expected."
    most=$(grep -E "^wf_api_push_batch_jobs_bucket.* $pushes\$" "$dir/metrics" | head -n 1)
    printf '  pushes   %d to Faktory, %d.%d jobs in each on average, at most %s\n' "$pushes" \
        $((expected / pushes)) $((expected * 10 / pushes % 10)) "$(between "$most" 'le="' '"')"
}

# Milliseconds of the day of a log line.
ms_of_line() { # LINE
    local h m s ms
    IFS=':.' read -r h m s ms <<<"${1:11:12}"
    echo $((((10#$h * 60 + 10#$m) * 60 + 10#$s) * 1000 + 10#$ms))
}

check_speed() { # of the crowd: from the first to the last job that ended
    local first last ms jobs
    first=$(grep -F 'job done' "$log" | sed -n '8p') # after the seven that were sent by hand
    last=$(grep -F 'job done' "$log" | tail -n 1)
    ms=$(($(ms_of_line "$last") - $(ms_of_line "$first")))
    [ $ms -ge 0 ] || ms=$((ms + 86400000)) # midnight
    jobs=$((singles + batches * batch_jobs))
    printf '  worker   %d jobs within %d ms, %d per second, while it wrote a line about each\n' \
        $jobs $ms "$(per_second $jobs $ms)"
}

# ---- all of it ----

trap interrupted INT TERM HUP
trap 'finish 1' EXIT
stack_forget_settings FAKTORY_ BATCH_ WORKER_ API_ LOG_ BIND_ADDR
dir=$(mktemp -d "${TMPDIR:-/tmp}/wf-demo.XXXXXX")
answers=$dir/answers
log=$dir/worker.log
stack_init "$dir"

stack_faktory
stack_api
stack_worker LOG_LEVEL=debug
echo "A private Faktory listens on 127.0.0.1:$faktory_port, the API on $api_address;"
echo "a worker is connected. Everything is real, and all of it is stopped at the end."
echo

submit_by_hand
echo "Many:"
submit_singles
submit_batches
echo
echo "Waiting until Faktory says that all $expected jobs are processed or failed ..."
wait_for_faktory
echo
echo "What came out:"
check_results
check_crowd
check_failure math_divide DivisionByZero
check_failure send_fax UnknownJobType
echo
echo "How it went:"
echo "  Faktory  $processed jobs processed, $failures of them failed and are in its dead set;" \
    "$retries wait for a retry, $working are reserved"
[ "$failures" = 2 ] || wrong "Faktory counts $failures failures, expected 2."
check_ids
check_pushes
check_speed
echo
stack_stop || wrong "not everything stopped as it should."
echo "Everything was right, and everything is stopped."
finish 0

#!/bin/bash
# docs/monitoring: the alerts are right and tested, and neither they nor the dashboard nor
# docs/deploy.md speak of anything that the running programs do not export. A real Prometheus, with
# the configuration that we ship, scrapes a real API and worker, so labels count as well as names.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

here=docs/monitoring
rules=$here/work-factory.rules.yml
tests=$here/work-factory.test.yml
dashboard=$here/grafana-dashboard.json

# ---- on paper ----

promtool_says() { # ARGUMENT...
    promtool "$@" >"$suite_dir/out" 2>&1 || fail "promtool $*: $(cat "$suite_dir/out")"
}

rules_are_right() {
    promtool_says check rules "$rules"
    promtool_says check config "$here/prometheus.yml"
    holds "promtool checked no rules" grep -q '[1-9][0-9]* rules found' "$suite_dir/out"
}

rules_do_what_they_say() {
    promtool_says test rules "$tests"
    holds "promtool tested nothing" grep -q SUCCESS "$suite_dir/out"
}

alerts() { sed -n 's/^ *- alert: //p' "$rules"; }

every_alert_is_tested() {
    local name n=0
    while read -r name; do
        holds "no test makes $name fire" grep -qE "alertname(=\"|: )$name\b" "$tests"
        n=$((n + 1))
    done < <(alerts)
    holds "there are no alerts" test "$n" -gt 10
}

# What a person needs at night: how bad, what, and what to do.
every_alert_explains_itself() {
    local key n
    n=$(alerts | wc -l)
    for key in severity summary description; do
        same "alerts with a $key" "$n" "$(grep -cE "^ +$key: [^ ]" "$rules")"
    done
    same "severities" "critical info warning" \
        "$(sed -n 's/^ *severity: //p' "$rules" | sort -u | paste -sd ' ')"
}

# ---- against what runs ----

# Expressions of the dashboard as Grafana would send them, but for the marks of alerts that fire.
dashboard_queries() {
    # shellcheck disable=SC2016 # the dollars are Grafana's
    sed -n 's/^ *"expr": "\(.*\)",\{0,1\}$/\1/p' "$dashboard" | grep -v '^ALERTS' | sed 's/\\"/"/g' |
        sed 's/\$__rate_interval/1m/g; s/\$instance/.*/g'
}

# The series that the rules ask for, each with its labels.
rule_selectors() {
    grep -v '^ *\(#\|summary:\|description:\)' "$rules" |
        grep -oE '\b(up|wf_[a-z_]+|process_[a-z_]+)(\{[^}]*\})?' | grep -vE '^up$' | sort -u
}

used_names() { # FILE...
    grep -ohE '\b(wf_(api|worker)|process)_[a-z_]*[a-z]\b' "$@" | sort -u
}

exported_names() {
    local address
    for address in "$api_address" "$worker_address"; do
        curl -sf -m 10 "http://$address/metrics" || fail "no metrics on $address"
    done | tee >(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p') | sed 's/[{ ].*//' | grep -v '^#' | sort -u
}

names_are_exported() {
    local unknown file
    exported_names >"$suite_dir/exported"
    holds "nothing is exported" test "$(wc -l <"$suite_dir/exported")" -gt 50
    for file in "$rules" "$dashboard" docs/deploy.md docs/packs.md; do
        holds "$file names no metric" test -n "$(used_names "$file")"
        unknown=$(used_names "$file" | comm -23 - "$suite_dir/exported")
        same "$file: metrics that nobody exports" "" "$unknown"
    done
}

# The API's own reader is strict: what it takes is JSON, with no name twice in an object.
dashboard_is_json() {
    printf '{"type":"dashboard","args":[%s]}' "$(cat "$dashboard")" >"$suite_dir/body"
    same "the status when it is sent as a job's argument" 202 "$(
        curl -s -m 20 -o "$suite_dir/out" -w '%{http_code}' -H 'Content-Type: application/json' \
            --data-binary "@$suite_dir/body" "http://$api_address/jobs"
    )"
}

start_prometheus() {
    local dir=$stack_dir/prometheus
    mkdir -p "$dir"
    cp "$rules" "$dir"
    sed "s/127.0.0.1:3000/$api_address/; s/127.0.0.1:9101/$worker_address/; s/15s/200ms/" \
        "$here/prometheus.yml" >"$dir/prometheus.yml"
    prometheus_address=127.0.0.1:$(free_port)
    stack_launch prometheus prometheus --config.file="$dir/prometheus.yml" \
        --storage.tsdb.path="$dir/data" --web.listen-address="$prometheus_address" --log.level=warn
}

query() { # EXPRESSION ; what it yields, a line a series
    promtool query instant "http://$prometheus_address" "$1" 2>"$suite_dir/query"
}

yields() { [ -n "$(query "$1")" ]; }

wait_for() { # EXPRESSION
    local tries=300
    until yields "$1"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "never within 30 s: $1
$(cat "$suite_dir/query") $(tail -n 5 "$stack_dir/prometheus.log")"
        sleep 0.1
    done
}

# A batch, single jobs, one that fails for good; a type without a handler has been sent already.
work() {
    local body
    for body in '{"a": 1, "b": 2}' '{"a": 3, "b": 4}'; do
        curl -sf -m 20 --json "$body" -o "$suite_dir/out" "http://$api_address/jobs/add"
    done
    body='{"jobs": [{"operation": "divide", "a": 1, "b": 0}, {"operation": "add", "a": 1, "b": 2}]}'
    curl -sf -m 20 --json "$body" -o "$suite_dir/out" "http://$api_address/jobs/batch"
}

dashboard_shows_something() {
    local expression n=0
    wait_for 'sum(up{job=~"work-factory-.*"}) == 2'
    work
    wait_for 'sum(rate(wf_worker_jobs_done_total[1m])) > 0'
    wait_for 'sum(wf_worker_jobs_failed_total{type="unknown"}) > 0'
    while IFS= read -r expression; do
        # each of the two has its own moment of being asked, and a rate needs two of them
        wait_for "$expression"
        n=$((n + 1))
    done < <(dashboard_queries)
    same "expressions" "$(grep -c '"expr"' "$dashboard")" "$((n + 1))"
}

quiet_when_healthy() {
    same "alerts that fire" "" "$(query 'ALERTS{alertstate="firing", severity="critical"}')"
    curl -sf -m 10 "http://$prometheus_address/api/v1/rules" >"$suite_dir/out"
    same "rules that are evaluated without error" "$(alerts | wc -l)" \
        "$(grep -o '"health":"ok"' "$suite_dir/out" | wc -l)"
}

notices_that_faktory_is_away() {
    local selector n=0
    end_process faktory "$(stack_pid faktory)"
    wait_for 'ALERTS{alertname="WorkFactoryApiWithoutFaktory"}'
    wait_for 'ALERTS{alertname="WorkFactoryWorkerWithoutFaktory"}'
    same "the answer of the API" 503 "$(curl -s -m 20 --json '{"a": 1, "b": 2}' -o "$suite_dir/out" \
        -w '%{http_code}' "http://$api_address/jobs/add")"
    wait_for 'wf_api_http_requests_total{route="/jobs/add", status="503"}'
    while IFS= read -r selector; do
        holds "a rule asks for what is never there: $selector" yields "$selector"
        n=$((n + 1))
    done < <(rule_selectors)
    holds "the rules ask for nothing" test "$n" -gt 20
}

for program in promtool prometheus; do
    if ! command -v $program >/dev/null; then
        echo "$program is not installed (Debian package prometheus)"
        exit 77
    fi
done
stack_faktory
stack_api
stack_worker WORKER_SHUTDOWN_TIMEOUT=5s # Faktory is gone by then
start_prometheus
test_case "promtool finds nothing wrong with the rules and the configuration" rules_are_right
test_case "the alerts fire when they should, and only then" rules_do_what_they_say
test_case "every alert has a test" every_alert_is_tested
test_case "every alert says how bad it is, what it is and what to do" every_alert_explains_itself
test_case "every metric that is written of is exported" names_are_exported
test_case "the dashboard is JSON" dashboard_is_json
test_case "every line of the dashboard shows something" dashboard_shows_something
test_case "a healthy system is quiet" quiet_when_healthy
test_case "alerts and all their series are there when Faktory is away" notices_that_faktory_is_away
stack_stop
suite_end test_monitoring

#!/bin/bash
# wf as people and scripts use it, against a private Faktory and API: what it prints, where, and how
# it ends; and the completion scripts.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# Runs wf in a folder for its files; its output goes to out and err, its exit code to code.
wf() { # ARG...
    code=0
    (cd "$suite_dir" && clean_env TERM=xterm "WF_API_URL=http://$api_address" \
        "FAKTORY_URL=tcp://127.0.0.1:$faktory_port" "$WF_BIN/wf" "$@") \
        >"$suite_dir/out" 2>"$suite_dir/err" || code=$?
    out=$(cat "$suite_dir/out") err=$(cat "$suite_dir/err")
}

ends_with() { # CODE ; how the last run ended
    holds "it ended with $code, not $1: $out $err" test "$code" = "$1"
}

says() { # PATTERN TEXT ; extended regular expression
    holds "\"$2\" does not match: $1" grep -qE -- "$1" <<<"$2"
}

is_json() { # TEXT ; every line of it is one JSON value: the API takes it as an argument
    local line
    while IFS= read -r line; do
        holds "this is no JSON: $line" curl -sf -m 20 -o "$suite_dir/answer" \
            --json "{\"type\":\"document\",\"args\":[$line]}" "http://$api_address/jobs"
    done <<<"$1"
}

# ---- help ----

helps() {
    local name names
    wf help
    ends_with 0
    mapfile -t names < <(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$out")
    holds "there are commands" test ${#names[@]} -ge 8
    for name in "${names[@]}"; do
        wf help "$name"
        ends_with 0
        says "^wf $name - " "$out"
        wf "$name" --help
        ends_with 0
        says "^Usage: wf $name" "$out"
    done
    wf --version
    says '^wf [^ ]+$' "$out"
}

refuses_wrong_usage() {
    local line
    for line in 'nonsense' '' 'push' 'push a --at soon' 'batch' 'batch a b' 'batch /nowhere' \
        'queues burn x' 'completion fish' 'status extra' 'push a --unheard-of' \
        'status --api ftp://x' 'status --faktory x' 'help nonsense' 'watch --interval 1ms'; do
        # shellcheck disable=SC2086 # words
        wf $line
        ends_with 2
        says '^wf: ' "$err"
        same "standard output of wf $line" '' "$out"
    done
}

hides_passwords() {
    wf status --faktory 'tcp://:geheim@127.0.0.1:1' --api http://127.0.0.1:1
    ends_with 3
    says 'tcp://:\*\*\*@127.0.0.1:1' "$out"
    holds "the password is shown" test -z "$(grep -h geheim "$suite_dir/out" "$suite_dir/err")"
    wf status --api http://me:geheim@127.0.0.1:1
    ends_with 2
    holds "the password is shown" test -z "$(grep -h geheim "$suite_dir/out" "$suite_dir/err")"
}

# ---- push ----

pushes() {
    wf push math_add '{"a":1,"b":2}' --id order-7
    ends_with 0
    says '^[0-9a-f]{24}$' "$out"
    wf push report daily 7 --at +5m --json
    ends_with 0
    says '^\{"stored":"yes","job_id":"[0-9a-f]{24}"\}$' "$out"
    wf push a --queue nowhere
    ends_with 1
    says 'refused: queue: expected one of' "$err"
    wf push a --queue nowhere --json
    ends_with 1
    says '^\{"stored":"no","job_id":null,"status":400,"error":"queue: ' "$out"
}

pushes_to_nobody() {
    wf push a --api http://127.0.0.1:1
    ends_with 3
    says 'cannot reach the API at http://127.0.0.1:1/jobs: connection refused.*WF_API_URL' "$err"
    wf push a --api "http://127.0.0.1:$faktory_port" # there, but it speaks another language
    holds "it ended with $code: $err" test "$code" = 3 -o "$code" = 4
}

# ---- batch ----

leaves_what_is_refused() {
    printf '%s\n' '{"type":"a","args":[1]}' 'no json' '' '{"type":"a"}' \
        '{"operation":"add","a":1,"b":"2"}' '{"type":"a","args":[2]}' >"$suite_dir/mixed"
    wf batch mixed
    ends_with 1
    says '^2 stored, 3 refused, 0 unknown' "$out"
    says 'mixed, line 2: refused: expected a value' "$err"
    says 'mixed, line 4: refused: args: is missing' "$err"
    says 'mixed, line 5: refused: b: expected a number' "$err"
    same "the file of refused lines" "$(sed -n '2p;4,5p' "$suite_dir/mixed" | sort)" \
        "$(sort "$suite_dir/mixed.rejected")"
    sed -i 's/^no json$/{"type":"a","args":[]}/; s/"a"}/"a","args":[]}/; s/"2"/2/' \
        "$suite_dir/mixed.rejected"
    wf batch mixed.rejected
    ends_with 0
    says '^3 stored, 0 refused' "$out"
    wf batch mixed
    ends_with 1 # as the first time, and nothing is sent
    says 'remove mixed.progress to send it again' "$err"
    rm "$suite_dir/mixed.progress"
    wf batch mixed
    ends_with 2
    says 'mixed.rejected is there, from another run' "$err"
}

reads_a_pipe() {
    local n
    seq 2500 | sed 's/.*/{"type":"piped","args":[&]}/' >"$suite_dir/numbers"
    wf batch - < <(cat "$suite_dir/numbers")
    ends_with 0
    says '^2500 stored, 0 refused, 0 unknown' "$out"
    holds "a pipe has no journal" test ! -e "$suite_dir/stdin.progress"
    wf batch - --progress kept --json < <(cat "$suite_dir/numbers")
    ends_with 0
    is_json "$out"
    says '"event":"end","stored":2500,' "$out"
    n=$(grep -c '^S ' "$suite_dir/kept")
    same "chunks of 1000" 3 "$n"
    wf batch - --progress kept < <(cat "$suite_dir/numbers")
    ends_with 0
    same "what the journal holds after the same input" "$n" "$(grep -c '^S ' "$suite_dir/kept")"
}

packs() {
    seq 1000 | sed 's/.*/{"operation":"add","a":&,"b":1}/' >"$suite_dir/short"
    wf batch short --pack 100
    ends_with 0
    wf batch short --pack 501
    ends_with 2
}

# ---- looking ----

shows_status() {
    wf status
    ends_with 0
    says "^API +http://$api_address +ready" "$out"
    says '^Faktory .* answers' "$out"
    says '^  jobs +stored [0-9]+, refused' "$out"
    says '^  queue +default [0-9]+' "$out"
    holds "there are colours in a file" test -z "$(grep -F $'\033' "$suite_dir/out")"
    wf status --json
    is_json "$out"
    says '"ready":true' "$out"
    wf status --api http://127.0.0.1:1
    ends_with 3 # Faktory was asked itself
    says '^Faktory .*tcp://127.0.0.1:[0-9]+ +answers' "$out"
}

watches() {
    wf watch --count 2 --interval 1s
    ends_with 0
    same "lines" 3 "$(wc -l <"$suite_dir/out")"
    wf watch --count 2 -i 1 --json
    ends_with 0
    is_json "$out"
    same "documents" 2 "$(wc -l <"$suite_dir/out")"
}

# A terminal of its own: script(1) of util-linux gives one.
draws_on_a_terminal() {
    local command="cd '$suite_dir' && '$WF_BIN/wf' batch numbers --progress again --api http://$api_address"
    rm -f "$suite_dir/again"
    clean_env TERM=xterm script -qefc "$command" /dev/null >"$suite_dir/out" </dev/null
    says $'\033\\[1m2500 stored' "$(cat "$suite_dir/out")"
    rm -f "$suite_dir/again"
    clean_env TERM=xterm NO_COLOR=1 script -qefc "$command" /dev/null >"$suite_dir/out" </dev/null
    says '2500 stored' "$(cat "$suite_dir/out")"
    holds "there are colours in spite of NO_COLOR" test -z "$(grep -F $'\033[1m' "$suite_dir/out")"
}

pauses_queues() {
    wf queues
    ends_with 0
    says '^default +[0-9]+ +[0-9.]+$' "$out"
    wf queues --json
    is_json "$out"
    says '"name":"default","size":[0-9]+,"latency_seconds":[0-9.]+' "$out"
    wf queues pause default </dev/null
    ends_with 1
    says 'say --yes' "$err"
    wf queues pause default --yes
    ends_with 0
    same "what it says" 'paused default' "$out"
    wf queues resume default
    ends_with 0
    wf queues remove nowhere --yes
    ends_with 2
    says 'no queue "nowhere"' "$err"
    wf queues remove default -y
    ends_with 0
    wf queues
    holds "the queue is still there: $out" test -z "$(grep '^default' "$suite_dir/out")"
}

# ---- completion ----

complete_as_bash() { # WORD... ; what is offered for the last one
    # shellcheck disable=SC2016 # the inner shell expands
    clean_env bash -c '. "$1" && shift && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _wf &&
        printf "%s\n" "${COMPREPLY[@]}"' bash "$suite_dir/wf.bash" "$@"
}

completes() {
    wf completion bash
    ends_with 0
    cp "$suite_dir/out" "$suite_dir/wf.bash"
    holds "bash does not parse it" bash -n "$suite_dir/wf.bash"
    same "commands with b" batch "$(complete_as_bash wf bat)"
    same "commands behind an option with a value" push "$(complete_as_bash wf --api http://x pus)"
    same "options of push with --re" "$(printf '%s\n' --reserve-for --retry)" \
        "$(complete_as_bash wf push --re | sort)"
    same "options of all" --json "$(complete_as_bash wf queues --js)"
    same "what queues takes" pause "$(complete_as_bash wf queues pa)"
    same "commands to be helped with" watch "$(complete_as_bash wf help wat)"
    wf completion zsh
    ends_with 0
    says '^#compdef wf$' "$out"
    says "'--queue=\[" "$out"
    if command -v zsh >/dev/null; then
        holds "zsh does not parse it" zsh -n "$suite_dir/out"
    fi
}

services_stay_small() {
    local program
    for program in api-service worker-service; do
        holds "$program links libcurl" test -z "$(ldd "$WF_BIN/$program" | grep curl)"
    done
}

stack_faktory
stack_api
test_case "help of all commands, of each, and the version" helps
test_case "wrong usage ends with 2 and says what is wrong" refuses_wrong_usage
test_case "passwords are not shown" hides_passwords
test_case "push stores a job and prints its id" pushes
test_case "push says where it cannot get" pushes_to_nobody
test_case "batch leaves refused lines in a file that can be mended and sent" leaves_what_is_refused
test_case "batch reads a pipe, with a journal where one is named" reads_a_pipe
test_case "batch packs short jobs" packs
test_case "status shows the API and Faktory, and asks Faktory itself where the API is away" shows_status
test_case "watch prints a line each time" watches
test_case "on a terminal there are colours, but not with NO_COLOR" draws_on_a_terminal
test_case "queues are listed, paused, resumed and removed, and questions asked" pauses_queues
test_case "completion scripts parse and complete" completes
test_case "the services do not link what only wf needs" services_stay_small
stack_stop
suite_end test_wf

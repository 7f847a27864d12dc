#!/bin/bash
# GET /openapi.json is held to its word, by a real API in front of a real Faktory: every example of
# the document is sent, every limit is tried from both sides, every error that can be had is had, and
# all answers are held against the document's schemas (openapi.py, with Debian's jsonschema).
#
# Not here: 502, which a Faktory of this version never gives to what the API lets through.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

body_max=524288 # room for the largest job

# Debian's Python, since Debian's jsonschema is none of any other's.
conforms() { # CHECK [ARGUMENT...]
    local found='' code=0
    found=$(/usr/bin/python3 -B -W ignore::DeprecationWarning tests/integration/openapi.py \
        "$api_address" "$@" 2>&1) || code=$?
    holds "openapi.py $* found this:
$found" test "$code" = 0
}

form_is_good() { conforms form; }
examples_are_true() { conforms examples; }
limits_are_kept() { conforms limits; }
refusals_are_described() { conforms refusals "$body_max"; }
tag_spares_the_text() { conforms tag; }
readiness_is_described() { conforms ready 200; }

# A Faktory that stands still takes what is sent and says nothing.
unclear_is_described() {
    kill -STOP "$(stack_pid faktory)"
    trap 'kill -CONT "$(stack_pid faktory)"' EXIT
    conforms errors 504
    conforms ready 503
}

# The subshell of a test cannot wait for it: its end is seen from outside.
absence_is_described() {
    local pid tries=400
    pid=$(stack_pid faktory)
    kill -TERM "$pid"
    while is_running "$pid" && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.05
    done
    conforms errors 503
    conforms ready 503
}

stack_faktory
stack_api API_QUEUES=low,default BATCH_QUEUE_MAX=150 BATCH_PACK_SIZE=3 API_BODY_MAX=$body_max \
    API_HEADER_TIMEOUT=1s API_REQUEST_TIMEOUT=1s
test_case "the document has the form of OpenAPI 3.1, and good schemas" form_is_good
test_case "every example is answered as the document says" examples_are_true
test_case "every limit is kept, and not exceeded by one" limits_are_kept
test_case "what the server itself refuses is described" refusals_are_described
test_case "the ETag spares the text" tag_spares_the_text
test_case "/ready and /stats are described" readiness_is_described
test_case "504 is described, for a Faktory that stands still" unclear_is_described
test_case "503 is described, for a Faktory that is gone" absence_is_described
stack_stop
suite_end test_openapi

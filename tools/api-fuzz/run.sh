#!/bin/bash
# Tests the API against its own document with schemathesis, all checks, once with each seed.
# `make api-fuzz` calls it.
#
#   tools/api-fuzz/run.sh SEED...    FUZZ_SECONDS (45): longest time of each seed
#
# The API and a Faktory are private, started here and stopped here; schemathesis, in the versions of
# requirements.txt, has a virtual environment of its own in build/schemathesis. That each seed finds
# the same again needs the same versions, and an API that answers the same.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tools/stack.sh
. tools/stack.sh

WF_BIN=$PWD/${BUILD:-build/release}/bin
venv=$PWD/build/schemathesis
here=$PWD/tools/api-fuzz
dir=$(mktemp -d "${TMPDIR:-/tmp}/wf-api-fuzz.XXXXXX")
trap 'stack_stop; rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Made anew when the list of versions has changed.
make_venv() {
    cmp -s "$here/requirements.txt" "$venv/requirements.txt" && return
    say "Installing schemathesis into build/schemathesis."
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
}

# In a folder that goes: it remembers failures there, and would begin with them the next time.
fuzz() { # SEED
    (cd "$dir" && SCHEMATHESIS_HOOKS=hooks \
        "$venv/bin/schemathesis" --config-file schemathesis.toml run "http://$api_address/openapi.json" \
        --checks all --continue-on-failure --seed "$1" --max-time "${FUZZ_SECONDS:-45}" \
        >"$dir/seed" 2>&1)
}

make_venv
stack_forget_settings FAKTORY_ BATCH_ WORKER_ API_ LOG_ BIND_ADDR
stack_init "$dir/stack"
cp "$here/schemathesis.toml" "$here/hooks.py" "$dir"
stack_faktory
stack_api
curl -sf -o "$dir/openapi.json" "http://$api_address/openapi.json"
echo "valid OpenAPI 3.1: $("$venv/bin/openapi-spec-validator" "$dir/openapi.json" | sed 's/.*: //')"
failed=0
for seed in "$@"; do
    if fuzz "$seed"; then
        echo "seed $seed: $(sed -n 's/^ *\([0-9][0-9]* generated.*\)/\1/p' "$dir/seed")"
    else
        failed=$((failed + 1))
        echo "seed $seed:"
        cut -c 1-500 "$dir/seed"
    fi
done
is_running "$(stack_pid api)" || { stack_complain api "stay up" || failed=$((failed + 1)); }
echo "api-fuzz: $(($# - failed)) of $# seeds found nothing"
[ $failed = 0 ]

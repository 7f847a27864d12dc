#!/bin/bash
# Brings a private Faktory, the API and a worker up and stays until Ctrl-C. `make run` calls it.
#
# Everything is in build/run (RUN_DIR names another folder): the logs, and Faktory's data, so a
# second run goes on with the jobs that the first one left. `rm -r build/run` starts afresh.
# The ports are the well-known ones where they are free, else any. Settings of both programs in the
# environment hold (`make run WORKER_CONCURRENCY=200`), except FAKTORY_URL.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/stack.sh
. tools/stack.sh

build=${BUILD:-build/release}
WF_BIN=$PWD/$build/bin
dir=${RUN_DIR:-$PWD/build/run}

finish() { # CODE
    trap '' INT TERM HUP
    trap - EXIT
    echo
    echo "Stopping; what did not start yet stays in Faktory for the next run."
    stack_stop || [ "$1" != 0 ] || set -- 1
    exit "$1"
}

port_or_any() { # PORT
    if port_taken "$1"; then free_port; else echo "$1"; fi
}

stack_forget_settings FAKTORY_URL FAKTORY_PASSWORD FAKTORY_ENV FAKTORY_SKIP_PASSWORD FAKTORY_PROVIDER
bind=${BIND_ADDR:-127.0.0.1:$(port_or_any 3000)}
metrics=${WORKER_METRICS_ADDR:-127.0.0.1:$(port_or_any 9101)}
stack_init "$dir"

exec 8>"$dir/lock"
if ! flock -n 8; then
    say "Another \`make run\` uses $dir. Stop it, or name another folder: RUN_DIR=/tmp/wf make run"
    exit 1
fi
trap 'finish 0' INT TERM HUP
trap 'finish 1' EXIT

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
Stop with Ctrl-C.

END

# Stays while all of them do.
while sleep 1; do
    for name in faktory api worker; do
        if ! is_running "$(stack_pid $name)"; then
            stack_complain $name "stay up" || finish 1
        fi
    done
done

# shellcheck shell=bash
# A Docker of the test's own, and words to test with: sourced by build.sh and scenes.sh, which run in
# namespaces of their own (run.sh), so whatever they leave ends with them. Wants $dir.
#
#   daemon_start OPTION...        dockerd with its own data, socket and control group; waits for it
#   daemon_stop
#   await SECONDS SENTENCE COMMAND...   until it succeeds; fails with the sentence when time is up
#   step SENTENCE FUNCTION        runs it, says how long it took; the first that fails ends the test

dir=${dir:?run.sh sets it} cgroup=${cgroup:?run.sh sets it}

say() { printf '%s\n' "$*"; }

fail() { # SENTENCE
    say "        $*"
    return 1
}

now_ms() { echo $((${EPOCHREALTIME//[!0-9]/} / 1000)); }

await() { # SECONDS SENTENCE COMMAND...
    local seconds=$1 sentence=$2 deadline
    deadline=$(($(now_ms) + seconds * 1000))
    shift 2
    until "$@" >"$dir/await.out" 2>&1; do
        if [ "$(now_ms)" -ge $deadline ]; then
            fail "not within $seconds s: $sentence"
            tail -n 5 "$dir/await.out" | sed 's/^/        /'
            return 1
        fi
        sleep 0.1
    done
}

is() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || fail "$1 is \"$3\", expected \"$2\""
}

# Steps stand on each other: after one that fails the rest would only say so again.
steps_passed=0
step() { # SENTENCE FUNCTION
    local start code
    start=$(now_ms)
    set +e # not `|| code=$?`: behind that, `set -e` would mean nothing inside
    (set -euo pipefail && "$2")
    code=$?
    set -e
    if [ $code != 0 ]; then
        say "FAIL    $1"
        ! declare -F on_failure >/dev/null || on_failure
        say "$steps_passed passed, 1 failed"
        exit 1
    fi
    steps_passed=$((steps_passed + 1))
    printf 'ok      %s (%d ms)\n' "$1" $(($(now_ms) - start))
}

# Debian's client: another one on PATH may not go with Debian's daemon.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export DOCKER_HOST=unix://$dir/docker.sock DOCKER_CONFIG=$dir/client
unset DOCKER_CONTEXT DOCKER_BUILDKIT DOCKER_TLS_VERIFY COMPOSE_FILE COMPOSE_PROJECT_NAME COMPOSE_PROFILES
daemon_pid=

# This machine's own settings of Docker are not for this test, and what dockerd writes there is not
# for this machine. Only in this mount namespace.
cover_folders() {
    local folder
    for folder in ${covered:?run.sh sets it}; do mount -t tmpfs none "$folder"; done
}

daemon_start() { # OPTION...
    cover_folders
    dockerd --data-root "$dir/data" --exec-root "$dir/exec" -p "$dir/docker.pid" -H "$DOCKER_HOST" \
        --cgroup-parent "/$cgroup" --storage-driver overlay2 "$@" >>"$dir/dockerd.log" 2>&1 &
    daemon_pid=$!
    await 60 "dockerd answers (its log: $(tail -n 3 "$dir/dockerd.log"))" docker version
}

daemon_stop() { # a clean end removes the file
    kill -TERM "$daemon_pid"
    await 60 "dockerd ends" test ! -e "$dir/docker.pid"
}

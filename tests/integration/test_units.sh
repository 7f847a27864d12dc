#!/bin/bash
# The systemd units in packaging/: they fit the programs' settings, systemd takes them, and it finds
# them well locked up. (That they work is what `make deb-test` shows, with a systemd that runs.)
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/suite.sh
. tests/support/suite.sh

value() { # NAME api|worker
    sed -n "s/^$1=//p" "packaging/systemd/work-factory-$2.service.in" | tail -n 1
}

setting() { # NAME api|worker ; its default, a number or a time in seconds
    clean_env "$WF_BUILD/bin/$2-service" --check-config | sed -n "s/^$1=//p" | tr -d s
}

most() { # NAME api|worker ; what --help says it may be at most
    clean_env "$WF_BUILD/bin/$2-service" --help | sed -n "/^  $1 /,/^  [A-Z]/p" | tr -s ' \n' ' ' |
        sed 's/.* from [0-9]* to \([0-9]*\)\..*/\1/'
}

more_than() { [ "$1" -gt "$2" ]; }

fit_the_settings() {
    local name tasks
    tasks=$(value TasksMax worker)
    holds "TasksMax=$tasks does not hold the most threads and connections" \
        more_than "$tasks" $(($(most WORKER_CONCURRENCY worker) + $(most WORKER_CONNECTIONS worker) + 8))
    tasks=$(value TasksMax api)
    holds "TasksMax=$tasks does not hold a thread a connection" \
        more_than "$tasks" $(($(most FAKTORY_MAX_CONNECTIONS api) + 8))
    holds "LimitNOFILE does not hold every client" \
        more_than "$(value LimitNOFILE api)" $((2 * $(setting API_CONNECTIONS_MAX api)))
    for name in api worker; do
        tasks=$(value TimeoutStopSec "$name" | tr -d s)
        holds "TimeoutStopSec=$tasks of the $name is not above its own time-out" \
            more_than "$tasks" $(($(setting "${name^^}_SHUTDOWN_TIMEOUT" "$name") + 10))
        same "the user of the $name" "$(cut -d' ' -f2 "packaging/sysusers/work-factory-$name.conf")" \
            "$(value User "$name")"
    done
}

need_systemd() {
    command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze here (package systemd)"
    make -s MODE="$(basename "$WF_BUILD")" PREFIX="$suite_dir/usr" install >/dev/null
    units=$suite_dir/usr/lib/systemd/system
}

is_taken_by_systemd() {
    local said
    need_systemd
    said=$(systemd-analyze verify --man=no "$units"/work-factory-{api,worker}.service 2>&1) || true
    same "what systemd-analyze verify says" '' "$said"
}

# The scale goes from 0, nothing exposed, to 10; a unit that says nothing about it has 9.6.
is_locked_up() {
    local name level
    need_systemd
    for name in api worker; do
        level=$(systemd-analyze security --offline=true "$units/work-factory-$name.service" | sed -n 's/.*exposure level for.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p')
        holds "the exposure level of the $name is $level tenths, more than 15" test "$level" -le 15
    done
}

test_case "their limits fit the settings" fit_the_settings
test_case "systemd-analyze verify has nothing to say about them" is_taken_by_systemd
test_case "systemd-analyze security finds them locked up" is_locked_up
suite_end test_units

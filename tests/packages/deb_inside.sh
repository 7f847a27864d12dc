#!/bin/bash
# The part of deb.sh that runs inside the fresh Debian: `without-systemd` first, with a network, to
# fetch what the packages depend on; then `with-systemd`, as a service of the systemd that runs
# there, without a network. Each thing that holds is a line that begins with ok.
set -euo pipefail

one=(/deb-test/one/*.deb) two=(/deb-test/two/*.deb)
units=(work-factory-api work-factory-worker)
password='p@ss:w/rd %41#?'

fail() {
    printf 'FAIL  %s\n' "$*"
    systemctl --no-pager status "${units[@]}" faktory 2>&1 || true
    journalctl --no-pager -n 60 2>&1 || true
    exit 1
}

holds() { # SENTENCE COMMAND...
    local sentence=$1
    shift
    "$@" || fail "$sentence (${*})"
    printf 'ok    %s\n' "$sentence"
}

not() { ! "$@"; }

# Asks ten times a second until the command succeeds.
soon() { # COMMAND...
    local tries=600
    until "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}

apt() { apt-get -q -y -o Dpkg::Use-Pty=0 "$@"; }

property() { systemctl show --value -p "$2" "$1"; } # UNIT NAME
is() { [ "$(property "$1" "$2")" = "$3" ]; }        # UNIT PROPERTY VALUE
differs() { [ "$(property "$1" "$2")" != "$3" ]; }  # UNIT PROPERTY VALUE

# What our packages have left outside of the users, apt's and dpkg's own records, and the journal.
traces() {
    find / -xdev \( -path /proc -o -path /sys -o -path /deb-test -o -path /var/log -o -path /tmp \
        -o -path /var/cache/apt -o -path /var/lib/apt \) -prune -o -name '*work-factory*' -print
}

# ---- where no systemd runs ----

without_systemd() {
    apt update
    apt install --no-install-recommends systemd dbus redis-server
    apt install "${one[@]}"
    holds "apt finds what the packages depend on" dpkg -s libmicrohttpd12 libjson-c5 libmd0
    holds "no service is started where no systemd runs" not pidof api-service worker-service
    holds "both are enabled for when it does" test -e \
        /etc/systemd/system/multi-user.target.wants/work-factory-worker.service -a -e \
        /etc/systemd/system/multi-user.target.wants/work-factory-api.service
    holds "the system users are there" id work-factory-api work-factory-worker
    holds "the API's profiles are good" check_profiles api
    holds "the worker's profiles are good" check_profiles worker
    holds "the units are good" systemd-analyze verify --man=no /lib/systemd/system/work-factory-*.service
    apt purge 'work-factory-*'
    apt autoremove --purge
    holds "nothing is left of them" test -z "$(traces)"
}

check_profiles() { # api|worker
    local file
    for file in /etc/work-factory/profiles/"$1"-*.env; do
        "$1-service" --env-file "$file" --check-config >/dev/null || return 1
    done
}

# ---- where it runs ----

http() { # METHOD PATH [BODY] ; prints status and body of the API's answer
    local body=${3:-}
    {
        printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
            "$1" "$2" ${#body} "$body" >&9
        cat <&9
    } 9<>/dev/tcp/127.0.0.1/3000
}

answers() { # TEXT METHOD PATH [BODY]
    local text=$1
    shift
    http "$@" 2>/dev/null | grep -qF "$text"
}

# Its Redis needs a folder that it may write to, and its own working folder. Its password is in
# /etc/faktory/password, where it looks for it by itself.
start_faktory() {
    mkdir -m 700 /etc/faktory
    (umask 077 && printf '%s\n' "$password" >/etc/faktory/password)
    systemd-run --quiet --unit=faktory \
        /deb-test/faktory -b 127.0.0.1:7419 -w :0 -e production -d /run/faktory-db
}

confined() { # UNIT USER
    local status
    status=/proc/$(property "$1" MainPID)/status
    [ "$(stat -c %U "$status")" = "$2" ] && grep -q '^Seccomp:.2$' "$status" &&
        grep -q '^NoNewPrivs:.1$' "$status" && grep -q '^CapBnd:.0*$' "$status"
}

# The main process and all its threads stand still: only the watchdog can tell.
hang() { # UNIT
    mkdir -p "/run/systemd/system/$1.service.d"
    printf '[Service]\nWatchdogSec=2s\nRestartSec=100ms\n' >"/run/systemd/system/$1.service.d/quick.conf"
    systemctl daemon-reload
    systemctl restart "$1"
    kill -STOP "$(property "$1" MainPID)"
    soon is "$1" NRestarts 1 && soon is "$1" ActiveState active
    rm -r "/run/systemd/system/$1.service.d"
    systemctl daemon-reload
    systemctl restart "$1"
}

connected() {
    soon is work-factory-api StatusText 'port 3000; connections to Faktory: 4 of 4' &&
        soon is work-factory-worker StatusText 'threads: 50; connections to Faktory: 16 of 16'
}

# As docs/deploy.md says it, for as long as COMMAND takes.
with_credentials() { # COMMAND...
    local unit code=0
    for unit in "${units[@]}"; do
        mkdir -p "/run/systemd/system/$unit.service.d"
        printf '%s\n' '[Service]' 'LoadCredential=faktory-password:/etc/faktory/password' \
            'Environment=FAKTORY_PASSWORD=%d/faktory-password' \
            >"/run/systemd/system/$unit.service.d/password.conf"
    done
    systemctl daemon-reload
    systemctl restart "${units[@]}"
    "$@" || code=$?
    for unit in "${units[@]}"; do rm -r "/run/systemd/system/$unit.service.d"; done
    systemctl daemon-reload
    return $code
}

in_no_environment() {
    connected && ! cat /proc/"$(property work-factory-api MainPID)"/environ \
        /proc/"$(property work-factory-worker MainPID)"/environ | grep -qF "$password"
}

install_and_use() {
    local unit
    apt install "${one[@]}"
    for unit in "${units[@]}"; do
        holds "$unit is ready before Faktory is there" is "$unit" ActiveState active
        holds "$unit runs as its user, confined" confined "$unit" "$unit"
        holds "$unit has a state folder of its own" test "$(stat -c %U:%a "/var/lib/$unit")" = "$unit:700"
    done
    holds "the status says that there is no Faktory" \
        soon is work-factory-worker StatusText 'threads: 50; connections to Faktory: 0 of 8'

    start_faktory
    holds "systemd hands the password over from root's file, outside of the environment" \
        with_credentials in_no_environment
    (umask 077 && echo "FAKTORY_PASSWORD='$password'" >/etc/work-factory/password.env)
    # The most threads that there can be, under the limits of the unit.
    echo WORKER_CONCURRENCY=10000 >>/etc/work-factory/worker.env
    systemctl restart "${units[@]}"
    holds "the password comes from a file that only root can read" \
        soon is work-factory-api StatusText 'port 3000; connections to Faktory: 4 of 4'
    holds "10,000 threads fit" \
        soon is work-factory-worker StatusText 'threads: 10000; connections to Faktory: 16 of 16'
    sed -i /WORKER_CONCURRENCY/d /etc/work-factory/worker.env
    systemctl restart work-factory-worker
    holds "a job is stored" answers ' 202 ' POST /jobs/add '{"a":2,"b":3}'
    holds "and done" soon answers '"total_processed":1,' GET /stats
    holds "the password is in no log line" not journal_has "$password"
    holds "signs of life reach systemd" differs work-factory-api WatchdogTimestampMonotonic 0
    holds "an API that hangs is started anew" hang work-factory-api
    holds "a worker that hangs is started anew" hang work-factory-worker
}

journal_has() { journalctl --no-pager | grep -qF "$1"; }

upgrade() {
    local pid unit
    echo LOG_LEVEL=debug >>/etc/work-factory/api.env
    touch /var/lib/work-factory-api/kept
    pid=$(property work-factory-api MainPID)
    apt install -o Dpkg::Options::=--force-confold "${two[@]}"
    holds "an upgrade keeps a changed conffile" grep -qx LOG_LEVEL=debug /etc/work-factory/api.env
    holds "and puts the new one beside it" grep -q 'from the upgrade' /etc/work-factory/api.env.dpkg-dist
    holds "one that was not changed is replaced" \
        grep -q 'from the upgrade' /etc/work-factory/profiles/worker-local.env
    holds "what the service has kept stays" test -e /var/lib/work-factory-api/kept
    holds "the service is started anew" differs work-factory-api MainPID "$pid"
    holds "a job is stored after the upgrade" soon answers ' 202 ' POST /jobs/add '{"a":2,"b":3}'
    holds "and done" soon answers '"total_processed":2,' GET /stats
    for unit in "${units[@]}"; do holds "$unit stops cleanly" stops "$unit"; done
}

stops() { # UNIT
    systemctl stop "$1" && is "$1" Result success && is "$1" ActiveState inactive
}

remove_and_purge() {
    systemctl start "${units[@]}"
    apt remove 'work-factory-*'
    holds "removing stops the services" not pidof api-service worker-service
    holds "and keeps conffiles and data" test -e /etc/work-factory/api.env -a -e /var/lib/work-factory-api/kept
    holds "programs are gone" not test -e /usr/sbin/api-service -o -e /usr/sbin/worker-service
    apt purge 'work-factory-*'
    holds "purging leaves nothing but what the administrator has made" \
        test "$(traces) $(ls -A /etc/work-factory)" = '/etc/work-factory password.env'
    holds "and the users, so that nobody else gets their numbers" id work-factory-api work-factory-worker
    rm -r /etc/work-factory
}

case $1 in
without-systemd) without_systemd ;;
with-systemd)
    install_and_use
    upgrade
    remove_and_purge
    ;;
esac

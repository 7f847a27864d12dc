#!/bin/bash
# Second half of the test of the images: each compose file is brought up as docker/README.md says,
# jobs go through it, its parts are killed, recreated and scaled, and it is stopped. Called by run.sh
# in a network namespace of its own, where the published ports are free and 192.0.2.10 is "the
# address of the server on the network of the other machines".
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/docker/daemon.sh
. tests/docker/daemon.sh

# shellcheck disable=SC2016 # no dollar of this is the shell's
secret='p@ss:w/rd %41#?$x'
export FAKTORY_PASSWORD=$secret # scene_machines has it in a file
files=docker

compose() { # PROJECT ARGUMENT... ; the files of the project are in the table
    local project=$1 arguments=()
    shift
    case $project in
    all) arguments=(-f "$files/compose.yml") ;;
    page) arguments=(-f "$files/compose.yml" -f "$files/compose.web.yml") ;;
    server) arguments=(-f "$files/compose.server.yml") ;;
    worker) arguments=(-f "$files/compose.worker.yml") ;;
    esac
    [ "$project" != page ] || project=all # the same, with more
    docker-compose --ansi never -p "$project" "${arguments[@]}" "$@" >>"$dir/compose.log" 2>&1
}

on_failure() {
    local id
    tail -n 10 "$dir/compose.log" | sed 's/^/    compose: /'
    docker ps -a --format '    {{.Names}}: {{.Status}}'
    for id in $(docker ps -aq); do
        docker logs --tail 8 "$id" 2>&1 | sed "s/^/    $id: /"
    done
}

# ---- questions ----

container() { docker ps -aq --filter "label=com.docker.compose.project=$1" --filter "label=com.docker.compose.service=$2"; }

of() { # PROJECT SERVICE FORMAT ; one line a container
    local id
    for id in $(container "$1" "$2"); do docker inspect -f "$3" "$id"; done
}

all_healthy() { # PROJECT SERVICE...
    local project=$1 service
    shift
    for service in "$@"; do
        [ "$(of "$project" "$service" '{{.State.Health.Status}}' | sort -u)" = healthy ] || return 1
    done
}

# Faktory's Redis knows it at once; /stats of the API asks Faktory at most every 5 s.
redis() { # PROJECT COMMAND...
    local project=$1
    shift
    docker exec "$(container "$project" faktory)" redis-cli -s /var/lib/faktory/db/redis.sock "$@"
}
queued() { redis "$1" LLEN default; }
processed() { redis "$1" GET processed; }
reserved() { redis "$1" ZCARD working; }
more_than() { [ "$("${@:2}")" -gt "$1" ]; } # NUMBER COMMAND...
equals() { [ "$1" = "$("${@:2}")" ]; } # WANTED COMMAND...

info() { # NAME ; a number of Faktory's INFO
    curl -sf -m 10 http://127.0.0.1:3000/stats | grep -oE "\"$1\":[0-9]+" | head -n 1 | cut -d : -f 2
}

# ---- jobs ----

batch_of() { # N
    local i
    printf '{"jobs":['
    for ((i = 1; i <= $1; i++)); do
        [ "$i" = 1 ] || printf ,
        printf '{"operation":"add","a":%d,"b":1}' "$i"
    done
    printf ']}'
}

push() { # N
    local status
    batch_of "$1" >"$dir/batch"
    status=$(curl -s -m 60 -o "$dir/answer" -w '%{http_code}' --data-binary "@$dir/batch" \
        -H 'Content-Type: application/json' http://127.0.0.1:3000/jobs/batch)
    is "the status of a batch of $1 ($(head -c 200 "$dir/answer"))" 202 "$status"
}

pushed=0
push_counted() { # N ; steps are subshells: the sum is in a file
    push "$1"
    pushed=$(($(cat "$dir/pushed") + $1))
    echo $pushed >"$dir/pushed"
}

await_processed() { # PROJECT
    await 60 "all of $(cat "$dir/pushed") jobs are processed" equals "$(cat "$dir/pushed")" processed "$1"
    is "jobs in the queue" 0 "$(queued "$1")"
    is "jobs reserved" 0 "$(reserved "$1")"
}

# As a crash is: the process is gone, and Docker's restart policy has to notice.
crash() { # PROJECT SERVICE
    local id before pid
    id=$(container "$1" "$2")
    before=$(docker inspect -f '{{.RestartCount}}' "$id")
    pid=$(docker inspect -f '{{.State.Pid}}' "$id")
    kill -KILL "$pid"
    await 30 "$2 is started again" equals $((before + 1)) docker inspect -f '{{.RestartCount}}' "$id"
    await 60 "$2 is healthy again" all_healthy "$1" "$2"
}

exit_codes() { # PROJECT SERVICE
    of "$1" "$2" '{{.State.Status}} {{.State.ExitCode}} oom={{.State.OOMKilled}}' | sort -u
}

# shellcheck source=tests/docker/scene_all.sh
. tests/docker/scene_all.sh
# shellcheck source=tests/docker/scene_machines.sh
. tests/docker/scene_machines.sh

ip link set lo up
ip address add 192.0.2.10/32 dev lo
# Networks that no machine around here has.
daemon_start --bip 198.18.0.1/24 --default-address-pool base=198.18.16.0/20,size=24
scene_all
scene_machines
step "nothing of the compose files is left in Docker" nothing_left
step "dockerd ends" daemon_stop
say "$steps_passed passed, 0 failed"

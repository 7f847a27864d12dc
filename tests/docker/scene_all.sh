# shellcheck shell=bash
# Everything on one machine: docker/compose.yml, and compose.web.yml on top. Sourced by scenes.sh.
#
# shellcheck disable=SC2154 # dir is from daemon.sh, secret from scenes.sh

needs_a_password() {
    ! FAKTORY_PASSWORD='' compose all config || fail "it starts without a password"
    grep -q 'FAKTORY_PASSWORD.*must be set' "$dir/compose.log" || fail "it does not name FAKTORY_PASSWORD"
}

comes_up() {
    echo 0 >"$dir/pushed"
    compose all up -d --no-build || fail "up failed"
    await 90 "all three are healthy" all_healthy all faktory api worker
}

is_confined() {
    local service id pid
    for service in faktory api worker; do
        id=$(container all $service)
        pid=$(docker inspect -f '{{.State.Pid}}' "$id")
        is "CapEff of $service" 0000000000000000 "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")"
        is "CapBnd of $service" 0000000000000000 "$(awk '/^CapBnd/ { print $2 }' "/proc/$pid/status")"
        is "NoNewPrivs of $service" 1 "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")"
        ! docker exec "$id" sh -c ': >/written' 2>/dev/null || fail "$service can write its root"
        [ "$(docker inspect -f '{{.HostConfig.PidsLimit}}' "$id")" -gt 0 ] || fail "$service: no pids limit"
        [ "$(docker inspect -f '{{.HostConfig.Memory}}' "$id")" -gt 0 ] || fail "$service: no memory limit"
    done
    for service in api worker; do
        pid=$(of all $service '{{.State.Pid}}')
        is "uid and gid of $service" '10001 10001' "$(awk '/^[UG]id/ { printf "%s%s", s, $3; s = " " }' "/proc/$pid/status")"
    done
}

publishes_only_the_api() {
    is "what listens for the machine" 127.0.0.1:3000 "$(docker ps --format '{{.Ports}}' |
        grep -oE '[0-9.]+:[0-9]+->' | tr -d '>-')"
    ! docker exec "$(container all faktory)" socat -T1 -u TCP:127.0.0.1:7420 STDOUT 2>/dev/null ||
        fail "Faktory's page is there without being asked for"
}

# Of the images, not of the containers: those must know it.
password_is_in_no_image() {
    local image
    for image in work-factory-api:local work-factory-worker:local; do
        ! docker image inspect $image | grep -qiE 'FAKTORY_(PASSWORD|URL)' || fail "$image has a password"
        ! docker history --no-trunc $image | grep -qiE 'FAKTORY_(PASSWORD|URL)' || fail "history of $image"
    done
    for image in api worker; do
        ! docker logs "$(container all $image)" 2>&1 | grep -qF "$secret" || fail "the log of $image has it"
        docker logs "$(container all $image)" 2>&1 | grep -qF 'tcp://:***@faktory:7419' || fail "$image has another URL"
    done
}

runs_jobs() {
    push_counted 500
    await_processed all
}

scales_to_three() {
    compose all up -d --no-build --no-recreate --scale worker=3 || fail "--scale worker=3 failed"
    await 60 "three workers are healthy" all_healthy all worker
    is "workers that run" 3 "$(of all worker '{{.State.Running}}' | grep -c true)"
}

# Each of the three must have had a share.
three_share_the_work() {
    local id
    for id in $(container all worker); do jobs_of "$id" >"$dir/jobs.$id"; done
    push_counted 20000
    await_processed all
    for id in $(container all worker); do
        [ "$(jobs_of "$id")" -gt "$(cat "$dir/jobs.$id")" ] || fail "worker $id did nothing"
    done
}

# The sum of its job counters, from its metrics address on the private network.
jobs_of() { # CONTAINER
    local address
    address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1")
    curl -sf -m 10 "http://$address:9101/metrics" | awk '/^wf_worker_jobs_fetched_total/ { n += $2 } END { print n + 0 }'
}

# What a worker hands back when it stops is a copy in the queue, and the first one counts as processed.
handed_back() {
    local id
    for id in $(container all worker); do docker logs "$id" 2>&1; done |
        awk '/stopped: / { n += $(NF - 6) } END { print n + 0 }'
}

# Stopped while 50,000 jobs come in: what is not done is in the queue, nothing is reserved.
workers_stop_under_load() {
    local pusher before
    before=$(processed all)
    (for _ in {1..10}; do push_counted 5000; done) &
    pusher=$!
    await 30 "jobs are being done" more_than "$before" processed all
    compose all stop worker || fail "stop failed"
    wait $pusher || fail "not every batch was stored"
    is "how the workers ended" 'exited 0 oom=false' "$(exit_codes all worker)"
    is "jobs reserved" 0 "$(reserved all)"
    await 15 "INFO says that none are reserved" equals 0 info working
    echo $(($(cat "$dir/pushed") + $(handed_back))) >"$dir/pushed"
    is "jobs processed or in the queue" "$(cat "$dir/pushed")" $(($(processed all) + $(queued all)))
    [ "$(queued all)" -gt 0 ] || fail "all was done before they were stopped"
}

fills_the_queue() { # so that there is something to lose
    push_counted 300
    queued all >"$dir/waiting"
    [ "$(cat "$dir/waiting")" -ge 300 ] || fail "only $(cat "$dir/waiting") jobs wait"
}

data_outlives_the_container() {
    local id
    id=$(container all faktory)
    compose all up -d --no-build --force-recreate --no-deps faktory || fail "recreating failed"
    [ "$(container all faktory)" != "$id" ] || fail "it is the same container"
    await 60 "Faktory is healthy" all_healthy all faktory
    is "jobs in the queue of the new container" "$(cat "$dir/waiting")" "$(queued all)"
}

data_outlives_a_crash() {
    push_counted 200
    crash all faktory
    is "jobs in the queue after a crash" $(($(cat "$dir/waiting") + 200)) "$(queued all)"
}

data_outlives_down() {
    queued all >"$dir/waiting"
    compose all down || fail "down failed"
    is "containers after down" '' "$(docker ps -aq)"
    compose all up -d --no-build --scale worker=0 || fail "up failed"
    await 90 "Faktory and the API are healthy" all_healthy all faktory api
    is "jobs in the queue after down and up" "$(cat "$dir/waiting")" "$(queued all)"
}

workers_finish_the_rest() {
    compose all up -d --no-build --no-recreate --scale worker=3 || fail "up failed"
    await 60 "three workers are healthy" all_healthy all worker
    await_processed all
}

api_comes_back() {
    crash all api
    push_counted 100
    await_processed all
}

worker_comes_back() {
    compose all up -d --no-build --no-recreate --scale worker=1 || fail "up failed"
    crash all worker
    push_counted 100
    await_processed all
}

page_is_there_when_asked_for() {
    compose page up -d --no-build --no-deps faktory || fail "up failed"
    await 60 "Faktory is healthy" all_healthy all faktory
    is "what listens for the machine" '127.0.0.1:3000 127.0.0.1:7420' "$(docker ps --format '{{.Ports}}' |
        grep -oE '[0-9.]+:[0-9]+->' | tr -d '>-' | sort | paste -sd ' ')"
    is "its answer without the password" 401 "$(curl -s -m 10 -o /dev/null -w '%{http_code}' http://127.0.0.1:7420/)"
    is "its answer with it" 200 "$(curl -s -m 10 -o /dev/null -w '%{http_code}' \
        -u "me:$secret" http://127.0.0.1:7420/)"
}

stops_in_time() {
    local start service
    start=$(now_ms)
    compose all stop || fail "stop failed"
    [ $(($(now_ms) - start)) -lt 30000 ] || fail "it took $(($(now_ms) - start)) ms"
    for service in faktory api worker; do
        is "how $service ended" 'exited 0 oom=false' "$(exit_codes all $service)"
    done
}

goes_away() {
    compose all down -v || fail "down -v failed"
    is "containers" '' "$(docker ps -aq)"
    is "volumes" '' "$(docker volume ls -q)"
}

scene_all() {
    say "-- compose.yml"
    step "it does not start without a password, and says so" needs_a_password
    step "Faktory, API and worker come up and are healthy" comes_up
    step "no capabilities, no new privileges, read-only roots, limits, no root in ours" is_confined
    step "only the API is published, on this machine; Faktory has no page" publishes_only_the_api
    step "the password is in no image and no log" password_is_in_no_image
    step "500 jobs go through it" runs_jobs
    step "--scale worker=3 brings three workers" scales_to_three
    step "all three have their share of 20,000 jobs" three_share_the_work
    step "workers stopped under load leave nothing reserved and lose nothing" workers_stop_under_load
    step "300 jobs wait without a worker" fills_the_queue
    step "they are there after Faktory's container was recreated" data_outlives_the_container
    step "they are there after Faktory was killed, with 200 that had just come" data_outlives_a_crash
    step "they are there after down and up" data_outlives_down
    step "workers finish them" workers_finish_the_rest
    step "a killed API comes back and takes jobs" api_comes_back
    step "a killed worker comes back and does jobs" worker_comes_back
    step "compose.web.yml shows Faktory's page, on this machine, behind the password" page_is_there_when_asked_for
    step "stop ends all three with code 0, in time" stops_in_time
    step "down -v leaves neither containers nor volumes" goes_away
}

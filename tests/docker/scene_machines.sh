# shellcheck shell=bash
# Several machines: compose.server.yml on one, compose.worker.yml on the others, which know nothing but
# the server's address and the password. Sourced by scenes.sh.
#
# shellcheck disable=SC2154 # dir is from daemon.sh, secret from scenes.sh

# As docker/README.md says.
puts_the_password_into_a_file() {
    printf '%s\n' "$secret" >"$dir/password"
    chgrp 10001 "$dir/password"
    chmod 640 "$dir/password"
}

server_comes_up() {
    echo 0 >"$dir/pushed"
    compose server up -d --no-build || fail "up failed"
    await 90 "Faktory and the API are healthy" all_healthy server faktory api
    is "what listens for other machines" 0.0.0.0:7419 "$(docker ps --format '{{.Ports}}' |
        grep -oE '0\.0\.0\.0:[0-9]+->' | tr -d '>-')"
}

needs_an_address() {
    ! compose worker config || fail "it starts without an address"
    grep -q 'FAKTORY_SERVER_IP.*must be set' "$dir/compose.log" || fail "it does not name FAKTORY_SERVER_IP"
}

worker_comes_up() {
    export WORKER_CONCURRENCY=100 WORKER_CPUS=1.5 WORKER_PROFILE=wireless
    compose worker up -d --no-build || fail "up failed"
    await 90 "the worker is healthy" all_healthy worker worker
    docker logs "$(container worker worker)" 2>&1 | grep -q 'Concurrency: 100 jobs per worker' ||
        fail "WORKER_CONCURRENCY has no effect"
    is "its CPUs" 1500000000 "$(of worker worker '{{.HostConfig.NanoCpus}}')"
    is "its profile" '[--env-file /etc/work-factory/.env.wireless]' "$(of worker worker '{{.Config.Cmd}}')"
}

jobs_cross_over() {
    push_counted 2000
    await_processed server
}

three_workers_elsewhere() {
    compose worker up -d --no-build --scale worker=3 || fail "--scale worker=3 failed"
    await 90 "three workers are healthy" all_healthy worker worker
    is "workers that run" 3 "$(of worker worker '{{.State.Running}}' | grep -c true)"
    push_counted 5000
    await_processed server
}

faktory_comes_back() {
    crash server faktory
    push_counted 1000
    await_processed server
    await 60 "the workers are healthy" all_healthy worker worker
}

# The check must see what a process that merely runs would hide.
wrong_password_is_ill() {
    local id
    id=$(docker run -d --read-only --health-interval 1s --health-start-period 1s --health-retries 2 \
        -e FAKTORY_URL=tcp://192.0.2.10:7419 -e FAKTORY_PASSWORD=wrong work-factory-worker:local)
    await 60 "a worker with a wrong password is unhealthy" equals unhealthy \
        docker inspect -f '{{.State.Health.Status}}' "$id"
    docker rm -f "$id" >/dev/null
}

password_is_in_no_environment() {
    local id n=0
    for id in $(docker ps -q); do
        ! docker inspect "$id" | grep -qF 'p@ss' || fail "docker inspect shows it"
        ! tr '\0' '\n' <"/proc/$(docker inspect -f '{{.State.Pid}}' "$id")/environ" | grep -qF 'p@ss' ||
            fail "a process has it in its environment"
        ! docker logs "$id" 2>&1 | grep -qF 'p@ss' || fail "a log has it"
        n=$((n + 1))
    done
    is "containers" 3 "$n"
}

# Under the default memory limit; docker/README.md has what this prints.
most_threads_fit() {
    local id threads n
    for threads in 50 1000 10000; do
        WORKER_CONCURRENCY=$threads compose worker up -d --no-build --scale worker=1 || fail "up failed"
        await 90 "a worker of $threads threads is healthy" all_healthy worker worker
        push_counted 20000
        await_processed server
        id=$(container worker worker)
        n=$(docker stats --no-stream --format '{{.PIDs}}' "$id")
        [ "$n" -gt "$threads" ] || fail "it has $n threads"
        say "        $(docker stats --no-stream --format '{{.PIDs}} threads, {{.MemUsage}}' "$id")"
    done
}

stops_with_nothing_reserved() {
    compose worker stop || fail "stop failed"
    is "how the worker ended" 'exited 0 oom=false' "$(exit_codes worker worker)"
    is "jobs reserved" 0 "$(reserved server)"
    await 15 "INFO says that none are reserved" equals 0 info working
    compose server stop || fail "stop failed"
    is "how the API ended" 'exited 0 oom=false' "$(exit_codes server api)"
    is "how Faktory ended" 'exited 0 oom=false' "$(exit_codes server faktory)"
    compose worker down -v
    compose server down -v
}

nothing_left() {
    is "containers" '' "$(docker ps -aq)"
    is "volumes" '' "$(docker volume ls -q)"
    is "networks" 'bridge host none' "$(docker network ls --format '{{.Name}}' | sort | paste -sd ' ')"
}

scene_machines() {
    say "-- compose.server.yml and compose.worker.yml"
    step "the password goes into a file" puts_the_password_into_a_file
    export FAKTORY_PASSWORD_FILE=$dir/password FAKTORY_PASSWORD=/run/secrets/faktory-password
    step "a server comes up: Faktory for other machines, the API for this one" server_comes_up
    step "a worker does not start without an address, and says so" needs_an_address
    export FAKTORY_SERVER_IP=192.0.2.10
    step "a worker comes up elsewhere, with its threads, CPUs and profile" worker_comes_up
    step "2,000 jobs cross over" jobs_cross_over
    step "the password is in no container's settings, environment or log" password_is_in_no_environment
    step "three workers elsewhere do 5,000 jobs" three_workers_elsewhere
    step "Faktory is killed, comes back, and the workers find it again" faktory_comes_back
    step "a worker with a wrong password is unhealthy" wrong_password_is_ill
    step "50, 1,000 and 10,000 threads fit into the limits" most_threads_fit
    step "both are stopped with nothing reserved" stops_with_nothing_reserved
}

#!/bin/bash
# docker/ against the tables of settings: what can be known of images and compose files without a
# Docker. `make docker-test` tries them for real.
#
# The compose files are read by their indentation, which is that of compose.yml throughout: a service
# is a key at two blanks, its fields stand at four, its environment at six.
#
# shellcheck disable=SC2016 # dollars are compose's
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/suite.sh
. tests/support/suite.sh

composes="docker/compose.yml docker/compose.server.yml docker/compose.worker.yml"
overhead=60 # threads of a worker beside those that run jobs, and its health check
goodbye_s=2 # what a service may take beyond its own time-out

# ---- readers ----

service() { # FILE SERVICE ; its lines
    awk -v key="  $2:" '/^  [a-z]/ || /^[a-z]/ { inside = $0 == key; next } inside' "$1"
}

services() { # FILE
    awk '/^[a-z]/ { inside = $0 == "services:" } inside && /^  [a-z]+:$/ { gsub(/[ :]/, ""); print }' "$1"
}

field() { # FILE SERVICE FIELD ; its value on one line
    service "$1" "$2" | sed -n "s/^    $3: //p"
}

environment() { # FILE SERVICE ; NAME VALUE lines
    service "$1" "$2" | awk '/^    [a-z_]+:/ { inside = /^    environment:/; next }
        inside && /^      [A-Z]/ { sub(/:/, ""); print $1, $2 }'
}

# ${NAME}, ${NAME:-default}, ${NAME:?why} of the compose files, comments aside: NAME=default lines.
variables() { # FILE...
    sed 's/^ *#.*//' "$@" | grep -oE '\$\{[A-Z_]+[^}]*\}' |
        sed -E 's/^\$\{([A-Z_]+)(:-([^}]*)|:\?[^}]*)?\}$/\1=\3/' | sort -u
}

default_of() { # FILE NAME
    variables "$1" | sed -n "s/^$2=//p" | grep . || true
}

program_of() { case $1 in api) echo api-service ;; worker) echo worker-service ;; esac }

settings() { clean_env "$WF_BUILD/bin/$1" --help | sed -nE 's/^  ([A-Z][A-Z_]+) .*/\1/p' | sort; }

most() { # PROGRAM NAME ; the upper limit that --help gives
    clean_env "$WF_BUILD/bin/$1" --help | awk -v name="$2" '
        /^  [A-Z_]+ / { inside = $1 == name; next } inside { text = text " " $0 }
        END { if (match(text, /from [0-9]+ +to +[0-9]+/)) { split(substr(text, RSTART, RLENGTH), w, / +/); print w[4] } }'
}

# Variables that the compose files read themselves, as docker/README.md lists them.
own_variables() {
    awk '/^\| variable / { table = 1 } !/^\|/ { table = 0 } table && /^\| [A-Z]/ { print $2 }' docker/README.md | sort
}

check_config() { # PROGRAM [NAME=VALUE...] -- OPTION...
    local program=$1 env=()
    shift
    while [ "$1" != -- ]; do env+=("$1") && shift; done
    shift
    clean_env "${env[@]}" "$WF_BUILD/bin/$program" "$@" --check-config
}

# ---- versions ----

faktory_version() { sed -nE 's|.*contribsys/faktory v([0-9.]+).*|\1|p' tools/faktory/go.mod | head -n 1; }

versions_are_pinned() {
    local image tag
    for image in $(sed -nE 's/^ARG BASE=//p; s/^FROM ([^$ ]+:[^ ]+).*/\1/p' docker/Dockerfile tests/docker/*.Dockerfile) \
        $(sed -nE 's/^ *image: //p' docker/compose*.yml); do
        tag=${image#*:}
        case $image in
        contribsys/faktory:*) same "the version of Faktory" "$(faktory_version)" "$tag" ;;
        'work-factory-'*) same "the tag of $image" '${WF_VERSION:-local}' "$tag" ;;
        *) same "the base" debian:bookworm-slim "$image" ;;
        esac
    done
    same "FROM lines that name no stage and no BASE" '' "$(
        grep -n '^FROM' docker/Dockerfile | grep -vE 'FROM (\$\{BASE\}|build|run)( AS [a-z]+)?$' || true)"
}

# ---- settings ----

every_setting_is_in_a_table() {
    local file name program
    for file in $composes; do
        for name in $(services "$file"); do
            program=$(program_of "$name")
            environment "$file" "$name" >"$suite_dir/environment"
            holds "$file: $name has no environment" test -s "$suite_dir/environment"
            if [ -z "$program" ]; then
                same "$file: the environment of $name" FAKTORY_PASSWORD "$(cut -d ' ' -f 1 "$suite_dir/environment")"
                continue
            fi
            while read -r name _; do
                holds "$file gives $program $name, which it does not know" \
                    grep -qx "$name" <<<"$(settings "$program")"
            done <"$suite_dir/environment"
        done
    done
}

# A variable of the compose files is a setting that a service is given under the same name, or
# one of their own; and what is listed is used.
every_variable_is_known() {
    local name all used
    all=$({ settings api-service && settings worker-service; } | sort -u)
    used=$(variables docker/compose*.yml | sed 's/=.*//' | sort -u)
    for name in $used; do
        if grep -qx "$name" <<<"$all"; then
            holds "$name is given to nobody under its own name" grep -qE "^ +$name: \\$\{$name:[-?]" docker/compose*.yml
        else
            holds "$name is no setting, and not in docker/README.md" grep -qx "$name" <<<"$(own_variables)"
        fi
    done
    for name in $(own_variables); do
        holds "$name is in docker/README.md and nowhere used" grep -qx "$name" <<<"$used"
        [ "$name" = FAKTORY_PASSWORD ] || # which Faktory takes, too
            holds "$name means something to a program already" test -z "$(grep -x "$name" <<<"$all")"
    done
}

# Settings that a compose file leaves empty come from the profile; its defaults name good ones.
defaults_are_valid() {
    local file profile program name
    for file in $composes; do
        for name in $(services "$file"); do
            program=$(program_of "$name")
            [ -n "$program" ] || continue
            profile=$(default_of "$file" "$(tr '[:lower:]' '[:upper:]' <<<"$name")_PROFILE")
            holds "$file: no profile for $name" test -f "env/.env.$profile"
            check_config "$program" FAKTORY_URL=tcp://:pw@192.0.2.1:7419 -- --env-file "env/.env.$profile" \
                >"$suite_dir/out" 2>&1 || fail "$file, $name: $(cat "$suite_dir/out")"
            same "$file: settings of $name with a default of their own" $'FAKTORY_URL\nFAKTORY_PASSWORD' "$(
                environment "$file" "$name" | grep -vE ' \$\{[A-Z_]+:-\}$' | cut -d ' ' -f 1)"
        done
    done
}

urls_are_valid() {
    local file name url n=0
    for file in $composes; do
        while read -r url; do
            url=$(sed -E 's/\$\{FAKTORY_SERVER_IP[^}]*\}/192.0.2.1/' <<<"$url")
            check_config worker-service "FAKTORY_URL=$url" -- >"$suite_dir/out" 2>&1 ||
                fail "$file: $(cat "$suite_dir/out")"
            holds "$file: a URL with a password" grep -qE '^FAKTORY_URL=tcp://[a-z0-9.]+:7419$' "$suite_dir/out"
            n=$((n + 1))
        done < <(for name in $(services "$file"); do
            service "$file" "$name" | sed -n 's/^      FAKTORY_URL: //p'
        done)
    done
    same "URLs" 4 "$n"
}

# Faktory and the programs take the same value alike, and the file that it may name is in all of them.
passwords_are_given() {
    local file name n=0
    for file in $composes; do
        for name in $(services "$file"); do
            same "$file: the password of $name" \
                '      FAKTORY_PASSWORD: ${FAKTORY_PASSWORD:?is the password of Faktory and must be set}' \
                "$(service "$file" "$name" | grep FAKTORY_PASSWORD)"
            n=$((n + 1))
        done
        same "$file: its secrets" $'  faktory-password:\n    file: ${FAKTORY_PASSWORD_FILE:-/dev/null}' \
            "$(awk '/^[a-z]/ { inside = /^secrets:/; next } inside && NF' "$file")"
        holds "$file: not every service has the secret" \
            grep -qx '  secrets: \[faktory-password\]' <<<"$(common "$file")"
    done
    same "services with a password" 6 "$n"
    same "where the containers have the file" /run/secrets/faktory-password \
        "$(grep -ohE '/run/secrets/[a-z-]+' docker/README.md docker/env.example | sort -u)"
}

images_settings_are_valid() {
    local stage line n=0
    for stage in api worker; do
        while read -r line; do
            check_config "$stage-service" "$line" -- >"$suite_dir/out" 2>&1 || fail "$(cat "$suite_dir/out")"
            holds "$stage-service does not know $line" grep -qxF "$line" "$suite_dir/out"
            n=$((n + 1))
        done < <(awk -v stage="$stage" '/^FROM/ { inside = $NF == stage } inside && /^ENV / { print $2 }' docker/Dockerfile)
    done
    same "ENV lines" 2 "$n"
}

# ---- limits ----

pids_fit() {
    local file need
    need=$(($(most worker-service WORKER_CONCURRENCY) + overhead))
    for file in docker/compose.yml docker/compose.worker.yml; do
        holds "$file: pids_limit of the worker is below $need" \
            test "$(field "$file" worker pids_limit)" -ge "$need"
    done
    need=$(($(most api-service FAKTORY_MAX_CONNECTIONS) + overhead))
    for file in docker/compose.yml docker/compose.server.yml; do
        holds "$file: pids_limit of the API is below $need" test "$(field "$file" api pids_limit)" -ge "$need"
    done
}

seconds() { # "25s", "250ms", "2m"
    case $1 in
    *ms) echo $((${1%ms} / 1000 + 1)) ;;
    *s) echo "${1%s}" ;;
    *m) echo $((${1%m} * 60)) ;;
    esac
}

graces_fit() {
    local file name program variable profile timeout grace
    for file in $composes; do
        for name in $(services "$file"); do
            program=$(program_of "$name")
            [ -n "$program" ] || continue
            variable=$(tr '[:lower:]' '[:upper:]' <<<"$name")
            grace=$(default_of "$file" "${variable}_STOP_GRACE")
            same "$file: the grace of $name" "\${${variable}_STOP_GRACE:-$grace}" "$(field "$file" "$name" stop_grace_period)"
            for profile in env/.env.*; do
                timeout=$(check_config "$program" -- --env-file "$profile" | sed -n "s/^${variable}_SHUTDOWN_TIMEOUT=//p")
                holds "$file: $name is killed after $grace, $profile wants $timeout" \
                    test "$(seconds "$grace")" -gt $(($(seconds "$timeout") + goodbye_s))
            done
        done
    done
}

# ---- safety ----

services_are_confined() {
    local file name
    for file in $composes; do
        for name in $(services "$file"); do
            holds "$file: $name lacks what is common" grep -qx '    <<: \*common' <<<"$(service "$file" "$name")"
            holds "$file: $name has no memory limit" test -n "$(field "$file" "$name" mem_limit)"
            holds "$file: $name has no pids limit" test -n "$(field "$file" "$name" pids_limit)"
        done
        same "$file: what is common" "$(common docker/compose.yml)" "$(common "$file")"
    done
    for name in 'read_only: true' 'cap_drop: \[ALL\]' 'security_opt: \["no-new-privileges:true"\]' \
        'restart: unless-stopped'; do
        holds "$name is not common" grep -qx "  $name" <<<"$(common docker/compose.yml)"
    done
}

common() { awk '/^x-common:/ { inside = 1 } /^services:/ { exit } inside' "$1"; }

# The files repeat each other, since each has to stand alone: where they do, they must agree.
files_agree() {
    local file name
    for file in docker/compose.server.yml docker/compose.worker.yml; do
        for name in $(services "$file"); do
            same "$file: $name, but for what differs" \
                "$(service docker/compose.yml "$name" | alike)" "$(service "$file" "$name" | alike)"
        done
    done
}

# Profile, address of Faktory, ports for other machines and the order of start are what differs.
alike() {
    sed -E '/^ *#/d; /^ *$/d; s/(_PROFILE:-)[a-z-]+/\1/; s/^( +FAKTORY_URL: ).*/\1/; /^    depends_on:/d
        /^    ports: \["\$\{FAKTORY_PUBLISH/d'
}

secrets_stay_out() {
    same "passwords in docker/" '' "$(
        grep -nE 'FAKTORY_PASSWORD[:=] *[^ $.?]' docker/Dockerfile docker/compose*.yml docker/env.example |
            grep -vF '=/run/secrets/faktory-password' || true)"
    holds "git would take docker/.env" git -c safe.directory='*' check-ignore -q docker/.env
    same "the first rule of .dockerignore" '*' "$(grep -v '^#' .dockerignore | head -n 1)"
    holds "docker/ is sent to the builder, and docker/.env with it" test -z "$(grep '^!docker' .dockerignore)"
}

faktory_is_in_production() {
    local file
    for file in docker/compose.yml docker/compose.server.yml; do
        same "$file: Faktory's command" '["/faktory", "-b", ":7419", "-w", ":0", "-e", "production"]' \
            "$(field "$file" faktory command)"
        holds "$file: no volume where production mode has its data" \
            grep -qx '      - faktory-data:/var/lib/faktory' "$file"
        holds "$file: Redis has no append-only file" grep -qx '      - ./redis.conf:/tmp/redis.conf:ro' "$file"
    done
    holds "redis.conf has no append-only file" grep -qx 'appendonly yes' docker/redis.conf
    same "who shows Faktory's page" docker/compose.web.yml "$(grep -lE '^[^#]*7420' docker/compose*.yml)"
    same "where" 127.0.0.1:7420 "$(default_of docker/compose.web.yml FAKTORY_WEB_PUBLISH)"
}

health_checks_ask_the_program() {
    local name
    for name in api worker; do
        holds "no health check by $name-service" \
            grep -q "^    CMD \[\"/usr/local/bin/$name-service\", \"--health\"\]" docker/Dockerfile
    done
    holds "an image has curl" test -z "$(grep -nE 'curl|wget' docker/Dockerfile docker/compose*.yml)"
    same "USER" 10001:10001 "$(sed -n 's/^USER //p' docker/Dockerfile)"
    same "STOPSIGNAL" SIGTERM "$(sed -n 's/^STOPSIGNAL //p' docker/Dockerfile)"
}

# ---- make docker, with a client that only writes down what it is told ----

stub_docker() { # BUILDX-DRIVER, or none
    cat >"$suite_dir/docker" <<'END'
#!/bin/bash
case "$1 $2" in
"buildx version") [ "$DRIVER" != none ] ;;
"buildx inspect") printf 'Name:   b\nDriver: %s\n' "$DRIVER" ;;
*) printf '%s\n' "$*" >>"$CALLS" ;;
esac
END
    chmod +x "$suite_dir/docker"
    : >"$suite_dir/calls"
    DRIVER=$1 CALLS=$suite_dir/calls DOCKER=$suite_dir/docker VERSION=v1.2+3 REVISION=abc \
        tools/docker-build.sh 2>"$suite_dir/err"
}

arguments='-f docker/Dockerfile --build-arg VERSION=v1.2+3 --build-arg REVISION=abc'

plain_docker_builds_for_this_machine() {
    local driver
    for driver in none docker; do
        stub_docker "$driver"
        same "calls of docker" "$(for name in api worker; do
            echo "build $arguments --target $name -t work-factory-$name:v1.2-3 -t work-factory-$name:local ."
        done)" "$(cat "$suite_dir/calls")"
        holds "it does not say so" grep -q "this machine's kind only" "$suite_dir/err"
    done
    DOCKER_PUSH=r/x stub_docker none && fail "DOCKER_PUSH without buildx is fine with it"
    holds "it does not say what to do" grep -q 'buildx create --use' "$suite_dir/err"
}

buildx_builds_for_all() {
    local platforms='--platform linux/amd64,linux/arm64'
    stub_docker docker-container
    same "calls of docker" "$(for name in api worker; do
        echo "buildx build --load $arguments --target $name -t work-factory-$name:v1.2-3 -t work-factory-$name:local ."
    done
    for name in api worker; do
        echo "buildx build $arguments --target $name $platforms --output type=oci,dest=build/docker/work-factory-$name-v1.2-3.tar ."
    done)" "$(cat "$suite_dir/calls")"
    DOCKER_PUSH=r/x stub_docker docker-container
    same "the last call" "buildx build $arguments --target worker $platforms -t r/x/work-factory-worker:v1.2-3 --push ." \
        "$(tail -n 1 "$suite_dir/calls")"
}

test_case "every image is pinned, and Faktory's is the version that we build" versions_are_pinned
test_case "every setting that a service is given is in its table" every_setting_is_in_a_table
test_case "every variable is a setting or listed in docker/README.md" every_variable_is_known
test_case "defaults are profiles that both programs take" defaults_are_valid
test_case "the URLs of Faktory are good ones" urls_are_valid
test_case "the password is given to every service, by its value or in a file" passwords_are_given
test_case "the images' own settings are good ones" images_settings_are_valid
test_case "limits of processes fit the most threads that can be asked for" pids_fit
test_case "grace periods are longer than the time-outs of every profile" graces_fit
test_case "every service is confined" services_are_confined
test_case "the compose files agree where they repeat each other" files_agree
test_case "no secret is in a file, an image or a build" secrets_stay_out
test_case "Faktory keeps its data and shows its page only when asked" faktory_is_in_production
test_case "health checks ask the program itself" health_checks_ask_the_program
test_case "make docker builds for this machine with a plain client" plain_docker_builds_for_this_machine
test_case "make docker builds for several kinds of machines with buildx" buildx_builds_for_all
suite_end test_docker

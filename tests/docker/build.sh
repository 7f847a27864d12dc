#!/bin/bash
# First half of the test of the images: a base image from debootstrap under the name that the
# Dockerfile starts from, the two images by tools/docker-build.sh, and the stand-in for Faktory's.
# Called by run.sh with dir, cgroup, FAKTORY_BIN, VERSION and REVISION in the environment.
#
# dockerd has no bridge and no rules here: what a build downloads goes over the machine's network as
# that of any program.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/docker/daemon.sh
. tests/docker/daemon.sh

base=debian:bookworm-slim # what every FROM must come down to

makes_a_base() {
    debootstrap --variant=minbase bookworm "$dir/root" >"$dir/debootstrap.log" 2>&1 ||
        fail "debootstrap: $(tail -n 5 "$dir/debootstrap.log")"
    rm -rf "$dir/root/var/cache/apt/archives" "$dir/root/var/lib/apt/lists"
    tar -C "$dir/root" -c . | docker import - $base >/dev/null
    rm -rf "$dir/root"
}

builds_both() {
    DOCKER_BUILD_ARGS='--network host' tools/docker-build.sh >"$dir/build.log" 2>&1 ||
        fail "the build failed: $(tail -n 20 "$dir/build.log")"
}

builds_the_stand_in() {
    mkdir "$dir/stand-in"
    cp "$FAKTORY_BIN" "$dir/stand-in/faktory"
    docker build --network host -t contribsys/faktory:1.9.4 -f tests/docker/faktory.Dockerfile \
        "$dir/stand-in" >"$dir/stand-in.log" 2>&1 || fail "$(tail -n 20 "$dir/stand-in.log")"
}

field() { # IMAGE FORMAT
    docker image inspect -f "$2" "$1"
}

carries_what_it_should() {
    local name image
    for name in api worker; do
        image=work-factory-$name:local
        is "the user of $image" 10001:10001 "$(field $image '{{.Config.User}}')"
        is "the stop signal of $image" SIGTERM "$(field $image '{{.Config.StopSignal}}')"
        is "the health check of $image" "[CMD /usr/local/bin/$name-service --health]" \
            "$(field $image '{{.Config.Healthcheck.Test}}')"
        is "the label version of $image" "$VERSION" \
            "$(field $image '{{index .Config.Labels "org.opencontainers.image.version"}}')"
        is "what $image --version says" "$name-service $VERSION" \
            "$(docker run --rm --network none --read-only --cap-drop ALL $image --version)"
        is "profiles in $image" "$(cd env && echo .env.*)" "$(docker run --rm --network none \
            --entrypoint sh $image -c 'cd /etc/work-factory && echo .env.*')"
        is "compilers, sources and curl in $image" '' "$(docker run --rm --network none \
            --entrypoint sh $image -c 'ls -d /src 2>/dev/null; command -v gcc make git curl || true')"
    done
}

says_its_size() {
    local name bytes base_bytes
    base_bytes=$(field $base '{{.Size}}')
    for name in api worker; do
        bytes=$(field work-factory-$name:local '{{.Size}}')
        say "        work-factory-$name: $((bytes / 1000)) kB, of which $(((bytes - base_bytes) / 1000))" \
            "kB are not the base; the program: $(docker run --rm --network none --entrypoint stat \
                work-factory-$name:local -c %s /usr/local/bin/$name-service) bytes"
        [ $((bytes - base_bytes)) -lt 10000000 ] || fail "more than 10 MB beside the base"
    done
}

daemon_start --bridge none --iptables=false --ip-masq=false --ip-forward=false
step "debootstrap makes the base image" makes_a_base
step "the images are built from the Dockerfile as it is" builds_both
step "the stand-in for Faktory's image is built from the installed Faktory" builds_the_stand_in
step "the images carry what they should, and nothing else" carries_what_it_should
step "they are small" says_its_size
step "dockerd ends" daemon_stop
say "$steps_passed passed, 0 failed"

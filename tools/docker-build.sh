#!/bin/bash
# Builds the images work-factory-api and work-factory-worker, tagged with the version and `local`,
# which is what the compose files take: `make docker`.
#
# Where docker has buildx and a builder that is not bound to this machine's kind (docker buildx create
# --use), images for all of DOCKER_PLATFORMS are built as well: archives in build/docker, or, with
# DOCKER_PUSH=REGISTRY/PATH, pushed there as one tag.
#
#   DOCKER=docker              the client
#   DOCKER_PLATFORMS=linux/amd64,linux/arm64
#   DOCKER_PUSH=               a registry and path to push to
#   DOCKER_BUILD_ARGS=         more options for `docker build`, such as "--build-arg BASE=...@sha256:..."
#   VERSION, REVISION          what the labels and --version say
set -euo pipefail
cd "$(dirname "$0")/.."

docker=${DOCKER:-docker}
platforms=${DOCKER_PLATFORMS:-linux/amd64,linux/arm64}
version=${VERSION:-unknown}
tag=${version//[!A-Za-z0-9_.-]/-} # what a tag may hold
options=(-f docker/Dockerfile --build-arg "VERSION=$version" --build-arg "REVISION=${REVISION:-unknown}")
# shellcheck disable=SC2206 # several words
options+=(${DOCKER_BUILD_ARGS:-})

say() { printf '%s\n' "$*" >&2; }

# A builder of the driver "docker" has only what the daemon has: this machine's kind.
builds_for_others() {
    "$docker" buildx version >/dev/null 2>&1 &&
        "$docker" buildx inspect 2>/dev/null | grep -q '^Driver:' &&
        ! "$docker" buildx inspect 2>/dev/null | grep -q '^Driver: *docker$'
}

build_here() { # TARGET ; with a buildx builder that keeps images to itself, --load brings it over
    local name=work-factory-$1 how=(build)
    ! builds_for_others || how=(buildx build --load)
    "$docker" "${how[@]}" "${options[@]}" --target "$1" -t "$name:$tag" -t "$name:local" .
    say "built $name:$tag, also tagged $name:local"
}

build_for_all() { # TARGET
    local name=work-factory-$1 out
    if [ -n "${DOCKER_PUSH:-}" ]; then
        "$docker" buildx build "${options[@]}" --target "$1" --platform "$platforms" \
            -t "$DOCKER_PUSH/$name:$tag" --push .
        say "pushed $DOCKER_PUSH/$name:$tag for $platforms"
    else
        mkdir -p build/docker
        out=build/docker/$name-$tag.tar
        "$docker" buildx build "${options[@]}" --target "$1" --platform "$platforms" \
            --output "type=oci,dest=$out" .
        say "wrote $out for $platforms"
    fi
}

command -v "$docker" >/dev/null || {
    say "There is no $docker here: install Docker (Debian: docker.io), or name a client with DOCKER=."
    exit 1
}
for target in api worker; do build_here $target; done
if builds_for_others; then
    for target in api worker; do build_for_all $target; done
elif [ -n "${DOCKER_PUSH:-}" ]; then
    say "DOCKER_PUSH needs buildx with a builder of its own: docker buildx create --use"
    exit 1
else
    say "For this machine's kind only: there is no buildx with a builder of its own."
fi

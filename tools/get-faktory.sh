#!/bin/bash
# Prints the path of a Faktory v1.9 server. It takes the first that it finds of
#
#   1. FAKTORY_BIN                    3. the one that an earlier run built
#   2. faktory on PATH                4. one that it builds now, from tools/faktory/go.mod
#
# Building takes a Go of 1.25 or newer; an older one (Debian's is enough) fetches the newer as the
# module that it is. All of it stays in build/faktory, and only the binary remains there. The
# versions and hashes of what is fetched are in tools/faktory/go.sum; Go's own settings (GOPROXY and
# so on) hold.
#
#   tools/get-faktory.sh               the path on standard output, everything else on standard error
#   tools/get-faktory.sh --packages    the groups of tools/packages.txt that it needs; fetches nothing
set -eu

here=$(cd "$(dirname "$0")" && pwd)
home=$(cd "$here/.." && pwd)/build/faktory
series=1.9
toolchain=1.25.5

say() { printf '%s\n' "$*" >&2; }

give_up() {
    say "$*"
    say "Ways to get a Faktory v$series:"
    say "  - FAKTORY_BIN=/path/to/faktory, a binary that you have"
    say "  - a faktory on PATH"
    say "  - Go 1.25 or newer on PATH, or Debian's golang-go (with ca-certificates), and a network"
    say "    that reaches a Go module proxy (GOPROXY, if yours is a different one); then call this"
    say "    again. What was fetched so far is kept in $home."
    exit 1
}

is_faktory() { # PATH
    case $("$1" -v 2>&1 | head -n 1) in # it says so on standard error
    "Faktory $series."*) ;;
    *) return 1 ;;
    esac
}

# Major and minor of the Go on PATH as one number, 125 for go1.25; 0 without one.
go_version() {
    local text
    text=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || text=
    # Go before 1.21 does not know GOTOOLCHAIN and does not mind; "devel" counts as new.
    case $text in
    go1.*) text=${text#go1.} && text=${text%%[!0-9]*} && echo $((100 + text)) ;;
    devel*) echo 999 ;;
    *) echo 0 ;;
    esac
}

found() { # prints a Faktory that is there already
    local path
    if [ -n "${FAKTORY_BIN:-}" ]; then
        is_faktory "$FAKTORY_BIN" || give_up "FAKTORY_BIN=$FAKTORY_BIN is not a Faktory v$series."
        path=$FAKTORY_BIN
    elif path=$(command -v faktory) && is_faktory "$path"; then
        :
    elif is_faktory "$home/faktory" && cmp -s "$home/go.sum" "$here/faktory/go.sum"; then
        path=$home/faktory
    else
        return 1
    fi
    realpath "$path"
}

packages() {
    found >/dev/null && return
    [ -e "${SSL_CERT_FILE:-/nowhere}" ] || echo certs
    [ "$(go_version)" != 0 ] || echo go
}

# Leaves in `go` a Go that can build it, and sets GOTOOLCHAIN for it.
find_go() {
    local version dir
    version=$(go_version)
    go=go
    if [ "$version" -ge 125 ]; then
        export GOTOOLCHAIN=local
    elif [ "$version" -ge 121 ]; then
        export GOTOOLCHAIN=go$toolchain+auto
        say "Go here is older than 1.25; it fetches go$toolchain by itself."
    elif [ "$version" -ge 111 ]; then
        say "Go here is older than 1.21; fetching go$toolchain as a module (about 70 MB)."
        dir=$(fetch_toolchain) || give_up "go$toolchain could not be fetched."
        go=$dir/bin/go
        export GOTOOLCHAIN=local
    else
        give_up "There is no Faktory here, and no Go to build one with."
    fi
}

# A module has lost its execute bits; the rest of it is a complete Go.
fetch_toolchain() {
    local arch dir
    case $(uname -m) in
    x86_64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    i?86) arch=386 ;;
    *) arch=$(uname -m) ;;
    esac
    dir=$(cd "$home" && GO111MODULE=on go mod download -json \
        "golang.org/toolchain@v0.0.1-go$toolchain.linux-$arch" |
        tee "$home/toolchain.json" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
    if [ -z "$dir" ]; then
        cat "$home/toolchain.json" >&2
        return 1
    fi
    chmod -R u+w "$dir"
    chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/*
    echo "$dir"
}

build() {
    local cache flags
    mkdir -p "$home"
    # Two calls at once (two shells, two modes): the second waits and finds the first one's.
    exec 9>"$home/lock"
    flock 9
    found && return
    trap 'rm -rf "$home/new" "$home/cache"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    [ "$(go_version)" != 0 ] || give_up "There is no Faktory here, and no Go to build one with."
    say "Building Faktory from tools/faktory/go.mod into build/faktory."
    # Modules that this user's Go has already are not fetched again.
    cache=$(go env GOMODCACHE)
    GOPROXY=$(go env GOPROXY)
    [ ! -d "$cache/cache/download" ] || GOPROXY="file://$cache/cache/download,$GOPROXY"
    flags=$(go env GOFLAGS)
    export GOPROXY GOFLAGS="${flags:+$flags }-modcacherw -buildvcs=false" CGO_ENABLED=0 GOWORK=off
    export GOPATH=$home/path GOMODCACHE=$home/modules GOCACHE=$home/cache GOBIN=$home/new
    find_go
    (cd "$here/faktory" && "$go" install tool) >&2 || give_up "Faktory could not be built."
    is_faktory "$home/new/faktory" || give_up "What was built does not call itself Faktory v$series."
    cp "$here/faktory/go.sum" "$home/go.sum"
    mv "$home/new/faktory" "$home/faktory"
    rm -rf "$home/path" "$home/modules" "$home/toolchain.json"
    found
}

case ${1:-} in
--packages) packages ;;
'') found || build ;;
*) say "usage: tools/get-faktory.sh [--packages]" && exit 2 ;;
esac

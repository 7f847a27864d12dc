#!/bin/bash
# Builds the programs on other Faktory clients that the bench compares ours with, into build/peers:
# go-worker, go-producer, rust-worker, rust-producer. `make peers` calls it; nothing else needs it.
#
# It takes the Go (1.25 or newer) and the Rust (cargo) on PATH, and their own settings for where
# modules and crates come from. Go pins hashes in go.sum; Cargo.toml names exact versions, and the
# Cargo.lock that cargo makes of it stays out of git, because it names where crates came from. What can be built
# is built; it fails when something could not.
set -u
cd "$(dirname "$0")" || exit 1
out=$(cd ../.. && pwd)/build/peers
mkdir -p "$out"
code=0

say() { printf '%s\n' "$*" >&2; }

missing() { # WHAT PROGRAM
    say "The peers in $1 are not built: there is no \`$2\` on PATH. The bench leaves them out."
    code=1
}

broken() { # WHAT
    say "The peers in $1 could not be built (above); the bench leaves them out."
    code=1
}

build_go() {
    local program
    for program in worker producer; do
        (cd go && go build -trimpath -o "$out/go-$program" "./$program") || return 1
    done
}

build_rust() {
    local program
    (cd rust && cargo build --quiet --release --target-dir "$out/rust") || return 1
    for program in worker producer; do
        cp "$out/rust/release/$program" "$out/rust-$program" || return 1
    done
}

if command -v go >/dev/null; then build_go || broken Go; else missing Go go; fi
if command -v cargo >/dev/null; then build_rust || broken Rust; else missing Rust cargo; fi
exit $code

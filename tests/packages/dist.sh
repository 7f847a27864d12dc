#!/bin/bash
# The release tarball, built in two clones in folders of different names, under different users' masks
# and time zones: every byte is the same, and what is in it runs. `make dist-test` calls it; what is
# not committed is not in a clone.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d "${TMPDIR:-/tmp}/wf-dist.XXXXXX")
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*"; }
die() { say "dist-test failed: $*" && exit 1; }

tarball() { # CLONE NAME=VALUE... ; builds one, and prints its path
    local clone=$1
    shift
    git -c safe.directory='*' clone -q . "$clone"
    (umask "$mask" && env "$@" make -C "$clone" dist >"$clone.log" 2>&1) || {
        cat "$clone.log" >&2
        die "make dist in $clone"
    }
    printf '%s\n' "$clone"/build/dist/*.tar.gz
}

mask=022 one=$(tarball "$work/one" TZ=UTC)
mask=027 two=$(tarball "$work/a longer name" TZ=Asia/Tokyo CFLAGS=-O1)
cmp "$one" "$two" || die "the two differ"
(cd "$(dirname "$one")" && sha256sum -c --quiet SHA256SUMS) || die "SHA256SUMS beside it is wrong"
say "ok    two clones, the same $(stat -c %s "$one") bytes: $(sha256sum <"$one" | cut -c1-64)"

mkdir "$work/x"
tar -C "$work/x" -xzf "$one"
cd "$work/x"/*/
sha256sum -c --quiet SHA256SUMS || die "SHA256SUMS inside is wrong"
[ "$(find . -type f | wc -l)" = "$(($(wc -l <SHA256SUMS) + 1))" ] || die "SHA256SUMS does not name every file"
for file in LICENSE README.md lib/systemd/system/work-factory-api.service share/man/man8/api-service.8 \
    share/doc/work-factory/env/.env.local lib/work-factory/bench; do
    [ -s "$file" ] || die "$file is not in it"
done
say "ok    $(wc -l <SHA256SUMS) files, each with its sum"
for file in sbin/*; do
    case $("$file" --version) in "${file##*/} "*) ;; *) die "$file --version" ;; esac
    ! readelf -S "$file" | grep -qE '\.(symtab|debug_info)' || die "$file is not stripped"
    ! grep -qF "$work" "$file" || die "$file names the folder that it was built in"
done
say "ok    the programs run, are stripped, and do not say where they were built"
say "2 builds compared, all good"

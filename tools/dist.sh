#!/bin/bash
# Builds the release tarball: programs, man pages, units, profiles, completions, LICENSE, README, laid
# out as below a prefix (/usr/local), and SHA256SUMS, in it for its files and beside it for itself.
# The same commit and compiler give the same bytes, in any folder and at any time: times are those of
# the last commit, owners are numbers, the order is fixed, paths of the build are not in it.
#
# The programs are stripped and dynamically linked. Static ones would be a half-truth: the HTTP
# library is loaded by name when a server starts, and the resolver of the C library is, too.
#
#   tools/dist.sh FOLDER VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
version=$2
name=work-factory-$version-linux-$(uname -m)
export LC_ALL=C TZ=UTC

SOURCE_DATE_EPOCH=$(git -c safe.directory='*' log -1 --format=%ct)
export SOURCE_DATE_EPOCH
rm -rf "$out"
mkdir -p "$out"
umask 022

build() {
    # Not the caller's flags: they would be in the bytes. Nor what a debugger reads: it names the folder.
    env -u CFLAGS -u CPPFLAGS -u LDFLAGS MAKEFLAGS='' MAKELEVEL='' \
        make -j"${JOBS:-2}" BUILD="$out/build" VERSION="$version" PREFIX=/usr/local \
        DESTDIR="$PWD/$out/stage" CFLAGS=-g0 install-strip
}

build
mv "$out/stage/usr/local" "$out/$name"
cp LICENSE README.md "$out/$name"
(cd "$out/$name" && find . -type f ! -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum) \
    >"$out/SHA256SUMS"
mv "$out/SHA256SUMS" "$out/$name"
tar -C "$out" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner \
    --mtime="@$SOURCE_DATE_EPOCH" --mode=go-w,u+w,a+rX -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
rm -rf "$out/build" "$out/stage" "${out:?}/$name"
(cd "$out" && sha256sum "$name.tar.gz" >SHA256SUMS && ls -l "$name.tar.gz" && cat SHA256SUMS)

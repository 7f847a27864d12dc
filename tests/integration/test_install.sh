#!/bin/bash
# `make install` and `make uninstall`: what comes is complete and runs, twice is as good as once, and
# what goes is exactly what came.
#
# shellcheck disable=SC2016 # the dollar is the unit's
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/suite.sh
. tests/support/suite.sh

mode=$(basename "$WF_BUILD")

install_to() { # DESTDIR TARGET [NAME=VALUE...]
    make -s MODE="$mode" DESTDIR="$1" "${@:2}" >"$suite_dir/out" 2>&1 || fail "it failed: $(cat "$suite_dir/out")"
}

files_of() { (cd "$1" && find . ! -type d | LC_ALL=C sort); }

# What there is to install without the command line, which brings files of its own.
wanted_files() { # below PREFIX
    local name profile
    for name in api worker; do
        printf '%s\n' "sbin/$name-service" "share/man/man8/$name-service.8" \
            "lib/systemd/system/work-factory-$name.service" \
            "lib/sysusers.d/work-factory-$name.conf" "share/doc/work-factory/env/$name.env"
    done
    for profile in env/.env.*; do echo "share/doc/work-factory/$profile"; done
    printf '%s\n' lib/work-factory/bench lib/work-factory/delaylink
    if [ -e "$WF_BUILD/bin/wf" ]; then
        printf '%s\n' bin/wf share/bash-completion/completions/wf share/zsh/site-functions/_wf
        if [ -e tools/wf/wf.1 ]; then echo share/man/man1/wf.1; fi
    fi
}

is_complete() {
    local dest=$suite_dir/complete file
    install_to "$dest" install
    same "what is installed" "$(wanted_files | sed 's|^|./usr/local/|' | LC_ALL=C sort)" \
        "$(files_of "$dest")"
    for file in "$dest"/usr/local/sbin/*; do
        same "the first word of $file --version" "$(basename "$file")" \
            "$("$file" --version | cut -d' ' -f1)"
        same "the mode of $file" 755 "$(stat -c %a "$file")"
    done
    clean_env "$dest/usr/local/sbin/worker-service" --check-config \
        --env-file "$dest/usr/local/share/doc/work-factory/env/.env.wan" >/dev/null
    files_of "$dest" >"$suite_dir/once"
    install_to "$dest" install
    same "what is there after a second time" "$(cat "$suite_dir/once")" "$(files_of "$dest")"
}

# What was there before is not touched, whichever folder it is in.
goes_again() {
    local dest=$suite_dir/goes theirs=$suite_dir/goes/usr/local/lib/work-factory/theirs
    mkdir -p "$(dirname "$theirs")"
    touch "$theirs"
    install_to "$dest" install
    install_to "$dest" uninstall
    same "what is left" ./usr/local/lib/work-factory/theirs "$(files_of "$dest")"
    rm "$theirs"
    install_to "$dest" install
    install_to "$dest" uninstall
    same "what is left, folders included" "$dest" "$(find "$dest")"
    install_to "$dest" uninstall
}

# Without a DESTDIR, the folders that others use stay; ours go.
leaves_shared_folders() {
    local prefix=$suite_dir/prefix
    install_to '' install PREFIX="$prefix"
    holds "no program in PREFIX" test -x "$prefix/sbin/api-service"
    install_to '' uninstall PREFIX="$prefix"
    same "files that are left" '' "$(files_of "$prefix")"
    holds "sbin is gone" test -d "$prefix/sbin"
    holds "our own folders are still there" test ! -e "$prefix/lib/work-factory" -a \
        ! -e "$prefix/share/doc/work-factory"
}

takes_odd_paths() {
    local dest="$suite_dir/it's a & \\b" prefix='/opt/w & f' unit
    install_to "$dest" install PREFIX="$prefix" STRIP=strip
    unit=$dest$prefix/lib/systemd/system/work-factory-api.service
    same "how the unit starts the program" \
        'ExecStart="/opt/w & f/sbin/api-service" --env-file "${PROFILE}"' "$(grep ^ExecStart "$unit")"
    same "what the unit starts with" \
        'Environment="PROFILE=/opt/w & f/share/doc/work-factory/env/.env.local"' \
        "$(grep '^Environment.*PROFILE' "$unit")"
    holds "a placeholder is left" test -z "$(grep -rl '@[A-Z_]*@' "$dest" --include='*.service' --include='*.env')"
    holds "STRIP does not strip" test "$(stat -c %s "$dest$prefix/sbin/api-service")" -lt \
        "$(stat -c %s "$WF_BUILD/bin/api-service")"
    install_to "$dest" uninstall PREFIX="$prefix"
    same "what is left, folders included" "$dest" "$(find "$dest")"
}

# From old to new, as git describe says it and as dpkg sorts it.
versions_follow() {
    local last='' version line
    command -v dpkg >/dev/null || skip "there is no dpkg here"
    while read -r line version; do
        same "Debian's version of $line" "$version" "$(tools/deb.sh --show-version "$line")"
        holds "$version is not newer than $last" dpkg --compare-versions "$version" gt "$last"
        last=$version
    done <<'END'
v0.1.0-rc1 0.1.0~rc1
v0.1.0-rc1-3-gabc1234 0.1.0~rc1+3.gabc1234
v0.1.0 0.1.0
v0.1.0-dirty 0.1.0+0.dirty
v0.1.0-12-gabc1234 0.1.0+12.gabc1234
v0.1.0-12-gabc1234-dirty 0.1.0+12.gabc1234+0.dirty
v0.10.0 0.10.0
END
    version=$(tools/deb.sh --show-version abc1234)
    holds "without a tag it is $version" dpkg --compare-versions "$version" lt 0.0.1
}

test_case "everything is installed, runs, and may be installed again" is_complete
test_case "uninstalling removes exactly what installing put there" goes_again
test_case "without DESTDIR the folders of others stay" leaves_shared_folders
test_case "folders with blanks and signs work; STRIP strips" takes_odd_paths
test_case "Debian's versions follow the project's" versions_follow
suite_end test_install

#!/bin/bash
# What `make install` puts where: one list, for installing and for uninstalling.
#
#   tools/install.sh install|uninstall
#
# Folders come from the environment (DESTDIR, BINDIR, SBINDIR, LIBDIR, UNITDIR, SYSUSERSDIR, MANDIR,
# DOCDIR, BASHDIR, ZSHDIR), as do BUILD, the folder of what was built, API_PROFILE and
# WORKER_PROFILE, which the units start with, and STRIP, a program that strips (none: not stripped).
# What was not built (the command line, for instance) is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
verb=${1:-}
bin=$BUILD/bin

# Every path begins with it; it may be empty, and hold blanks.
dest=${DESTDIR:-}

# ---- one file ----

make_parent() { # PATH
    install -d "$(dirname "$dest$1")"
}

put() { # MODE SOURCE PATH
    if [ "$verb" = uninstall ]; then
        drop "$3"
    elif [ -e "$2" ]; then
        make_parent "$3"
        install -m "$1" "$2" "$dest$3"
    fi
}

put_program() { # SOURCE PATH
    put 755 "$1" "$2"
    if [ -n "${STRIP:-}" ] && [ "$verb" = install ] && [ -e "$1" ]; then
        "$STRIP" "$dest$2"
    fi
}

# The paths that were chosen, written into a unit or into its settings.
put_filled() { # SOURCE PATH
    local text
    if [ "$verb" = uninstall ]; then
        drop "$2"
        return
    fi
    text=$(cat "$1")
    text=${text//@SBINDIR@/"$SBINDIR"}
    text=${text//@API_PROFILE@/"$API_PROFILE"}
    text=${text//@WORKER_PROFILE@/"$WORKER_PROFILE"}
    make_parent "$2"
    printf '%s\n' "$text" | install -m 644 /dev/stdin "$dest$2"
}

# What `wf completion SHELL` prints.
put_completion() { # SHELL PATH
    if [ "$verb" = uninstall ]; then
        drop "$2"
    elif [ -x "$bin/wf" ]; then
        make_parent "$2"
        "$bin/wf" completion "$1" | install -m 644 /dev/stdin "$dest$2"
    fi
}

# Removes it, and its folder when that is ours and empty now. In a DESTDIR every folder is ours.
drop() { # PATH
    local dir
    rm -f "$dest$1"
    dir=$(dirname "$1")
    while [ "$dir" != / ] && [ "$dir" != . ] && is_ours "$dir"; do
        rmdir "$dest$dir" 2>/dev/null || return 0
        dir=$(dirname "$dir")
    done
}

is_ours() { # FOLDER
    [ -n "$dest" ] && return
    case $1 in "$LIBDIR" | "$DOCDIR" | "$DOCDIR"/*) ;; *) return 1 ;; esac
}

# ---- the list ----

everything() {
    local file name
    for name in api worker; do
        put_program "$bin/$name-service" "$SBINDIR/$name-service"
        put 644 "$name/$name-service.8" "$MANDIR/man8/$name-service.8"
        put_filled "packaging/systemd/work-factory-$name.service.in" "$UNITDIR/work-factory-$name.service"
        put 644 "packaging/sysusers/work-factory-$name.conf" "$SYSUSERSDIR/work-factory-$name.conf"
        put_filled "packaging/etc/$name.env" "$DOCDIR/env/$name.env"
    done
    for file in env/.env.*; do put 644 "$file" "$DOCDIR/env/${file##*/}"; done
    put_program "$bin/bench" "$LIBDIR/bench"
    put_program "$bin/delaylink" "$LIBDIR/delaylink"
    put_program "$bin/wf" "$BINDIR/wf"
    put 644 tools/wf/wf.1 "$MANDIR/man1/wf.1"
    put_completion bash "$BASHDIR/wf"
    put_completion zsh "$ZSHDIR/_wf"
}

case $verb in
install | uninstall) everything ;;
*) echo "usage: tools/install.sh install|uninstall (make calls it)" >&2 && exit 2 ;;
esac

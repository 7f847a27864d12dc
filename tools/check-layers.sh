#!/bin/bash
# Checks the walls of the house: who may include whom.
#
#   - a room includes its own headers and those of the rooms that `uses_*` in the GNUmakefile gives
#     it, never tests/, tools/ or a folder that is no room
#   - the libraries that we hide behind a header of our own are each included at one place
#
# It reads the rooms from `make print-rooms`, so there is one list of them. Linking checks the same
# for functions; this one also sees types and macros.
set -eu
cd "$(dirname "$0")/.."

bad=0
complain() {
    printf '%s\n' "$*"
    bad=1
}

rooms=$(make -s print-rooms)

room_of() { # PATH ; the room that a file or a header lies in, empty for none
    local room
    while read -r room; do
        case $1 in "$room"/*) echo "$room" && return ;; esac
    done < <(printf '%s\n' "$rooms" | sed 's/:.*//')
}

# Prints file:line:header for every "..." include under the folder.
includes() {
    grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$1" |
        sed -E 's/^([^:]*):([0-9]+):[^"]*"([^"]*)".*/\1:\2:\3/' || true
}

check_room() { # ROOM WHAT-IT-MAY-USE
    local file line header to
    [ -d "$1" ] || return 0
    while IFS=: read -r file line header; do
        [ -n "$file" ] || continue
        to=$(room_of "$header")
        case " $1 $2 " in *" ${to:-none} "*) continue ;; esac
        complain "$file:$line: $1 may not include $header (it may use: ${2:-itself only})"
    done < <(includes "$1")
}

check_one_place() { # HEADER, an extended regular expression
    local places
    places=$(grep -rlE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$1" \
        api common worker tools || true)
    if [ "$(printf '%s' "$places" | grep -c .)" -gt 1 ]; then
        complain "<$1> is included at more than one place:" "$places"
    fi
}

while IFS=: read -r room may; do
    check_room "$room" "${may# }"
done <<<"$rooms"
check_one_place 'microhttpd\.h>'
check_one_place 'json-c/'
check_one_place 'zlib\.h>'
check_one_place 'curl/'

exit $bad

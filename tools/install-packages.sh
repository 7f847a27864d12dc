#!/bin/bash
# Installs the Debian packages that the named groups of tools/packages.txt lack, and nothing else.
#
#   tools/install-packages.sh GROUP...           install what is missing, after saying what
#   tools/install-packages.sh --check GROUP...   install nothing; fail when something is missing
#
# NO_INSTALL=1 turns the first into the second. As root it calls apt-get itself, else through sudo.
# CC and CPPFLAGS are those that make will compile with. No service that comes with a package is
# started or left enabled: we run redis-server and promtool ourselves.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
policy=/usr/sbin/policy-rc.d
policy_mark='# work-factory: no service starts while its packages are installed'
check=${NO_INSTALL:-}
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
cc=${CC:-cc}
cc=${cc%% *} # "ccache gcc" is two words; the first must exist
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo

say() { printf '%s\n' "$*" >&2; }

has_command() {
    local name=$1
    [ "$name" = cc ] && name=$cc
    # Debian keeps some programs where only root's PATH looks.
    PATH=$PATH:/usr/sbin:/sbin command -v "$name" >/dev/null
}

# The compiler knows best where headers are; without one, look in the usual places.
has_header() {
    local dir
    if has_command cc; then
        # shellcheck disable=SC2086 # flags are several words
        printf '#include <%s>\n' "$1" | ${CC:-cc} ${CPPFLAGS:-} -E -x c -o /dev/null - 2>/dev/null
        return
    fi
    for dir in /usr/include /usr/include/*-linux-gnu /usr/local/include; do
        [ -e "$dir/$1" ] && return
    done
    return 1
}

is_there() { # TEST, as the table has it
    case $1 in
    command:*) has_command "${1#*:}" ;;
    header:*) has_header "${1#*:}" ;;
    file:*) compgen -G "${1#*:}" >/dev/null ;;
    *) say "tools/packages.txt: what is '$1'?" && exit 2 ;;
    esac
}

# One call of the compiler for all headers answers the usual case, that all of them are there.
all_headers_there() { # GROUP...
    local group package test headers=''
    has_command cc || return 1
    while read -r group package test; do
        case " $* " in *" $group "*) ;; *) continue ;; esac
        case $test in header:*) headers="$headers#include <${test#*:}>
" ;; esac
    done <"$here/packages.txt"
    # shellcheck disable=SC2086
    printf '%s' "$headers" | ${CC:-cc} ${CPPFLAGS:-} -E -x c -o /dev/null - 2>/dev/null
}

missing_packages() { # GROUP... ; one line a package
    local group package test skip_headers=''
    all_headers_there "$@" && skip_headers=1
    while read -r group package test; do
        case " $* " in *" $group "*) ;; *) continue ;; esac
        case $skip_headers$test in 1header:*) continue ;; esac
        is_there "$test" || echo "$package"
    done <"$here/packages.txt"
}

apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >&2
}

# False when apt has no lists yet, or none that know these packages and all they depend on.
known_to_apt() { # PACKAGE...
    apt-get install --simulate --no-install-recommends "$@" >/dev/null 2>&1
}

# Packages that bring a service start it. Debian's way to say no is policy-rc.d; one that is there
# already is somebody else's and stays as it is.
forbid_services() {
    if [ -e $policy ] && ! grep -qF "$policy_mark" $policy; then return; fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
    trap 'allow_services' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

allow_services() {
    if grep -qsF "$policy_mark" $policy; then $as_root rm -f $policy; fi
}

# A service that was just installed would start with the machine; that is not what was asked for.
disable_services() { # PACKAGE...
    local package unit
    [ -d /run/systemd/system ] || return 0
    for package in "$@"; do
        for unit in $(dpkg -L "$package" | sed -n 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p'); do
            $as_root systemctl disable --quiet "$unit" || true
        done
    done
}

install() { # PACKAGE...
    if [ -n "$(find /var/lib/dpkg/updates -name '[0-9]*' 2>/dev/null)" ]; then
        say "An earlier installation was interrupted; finishing it first."
        $as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >&2
    fi
    known_to_apt "$@" || apt update
    # Lists may be too old to find the files they name; then, and only then, fetch them again.
    apt install --no-install-recommends "$@" || {
        say "That did not work; trying once more with fresh package lists."
        apt update
        apt install --no-install-recommends "$@"
    }
}

missing=$(missing_packages "$@" | sort -u | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0
if ! has_command apt-get; then
    say "Missing here (by the names of their Debian packages): $missing"
    say "This machine has no apt-get. Please install what brings the same programs and headers."
    exit 1
fi
command="${as_root:+$as_root }apt-get install --no-install-recommends $missing"
# shellcheck disable=SC2086 # a list of words
known_to_apt $missing || command="${as_root:+$as_root }apt-get update && $command"

if [ -n "$check" ]; then
    say "Missing packages: $missing"
    say "Install them with: $command"
    say "(\`make check\` and \`make demo\` do that by themselves, unless NO_INSTALL=1)"
    exit 1
fi
if [ -n "$as_root" ] && ! has_command sudo; then
    say "Missing packages: $missing"
    say "There is no sudo here. As root: ${command//sudo /}"
    exit 1
fi

say "Installing these Debian packages: $missing"
say "  with: $command"
forbid_services
# shellcheck disable=SC2086 # a list of words
install $missing || {
    say "The installation failed; what apt-get said is above. To do it by hand:"
    say "  $command"
    exit 1
}
# shellcheck disable=SC2086
disable_services $missing
left=$(missing_packages "$@" | tr '\n' ' ')
if [ -n "$left" ]; then
    say "apt-get was content, yet these do not work: $left"
    exit 1
fi

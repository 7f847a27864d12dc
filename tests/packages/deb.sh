#!/bin/bash
# The Debian packages in a fresh Debian 12: installed without and with a systemd that runs, started,
# used, hung, upgraded, removed, purged. `make deb-test` calls it, as root; FAKTORY_BIN is the Faktory.
#
# The root is made with debootstrap and runs in systemd-nspawn, whose namespaces take mounts, network
# and processes with them when it ends, however it ends. What is left then is a folder, which goes
# too. deb_inside.sh is what happens inside.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$PWD/build/deb-test
root=$work/root
group=/work-factory-deb-test.$$
nspawn_pid=
began=$SECONDS

say() { printf '%3d s  %s\n' $((SECONDS - began)) "$*"; }
die() { say "deb-test failed: $*" && exit 1; }

# ---- the end, whatever it is ----

# Every hierarchy that systemd-nspawn makes groups in: one on newer machines.
hierarchies() { awk '$3 == "cgroup2" || $4 ~ /name=systemd/ { print $2 }' /proc/mounts; }

# A group can go when the last process in it is gone, which takes the kernel a moment.
leave_no_groups() {
    local dir tries=100
    for dir in $(hierarchies); do
        while [ -d "$dir$group" ] && [ $tries -gt 0 ]; do
            find "$dir$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
            tries=$((tries - 1))
            sleep 0.05
        done
    done
}

finish() { # CODE
    trap '' INT TERM HUP
    trap - EXIT
    if [ -n "$nspawn_pid" ] && kill -0 "$nspawn_pid" 2>/dev/null; then
        kill -KILL "$nspawn_pid"
        wait "$nspawn_pid" 2>/dev/null || true
    fi
    leave_no_groups
    rm -rf --one-file-system "$root"
    nothing_left || set -- 1
    [ "$1" != 0 ] || rm -rf "$work"
    [ "$1" = 0 ] || say "what was said inside is in ${work#"$PWD/"}/*.log"
    exit "$1"
}
trap 'finish $?' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

nothing_left() {
    local left dir
    left=$(grep -F "$root" /proc/*/mountinfo 2>/dev/null || true)
    [ ! -e "$root" ] || left+=$'\n'$root
    for dir in $(hierarchies); do [ ! -e "$dir$group" ] || left+=$'\n'$dir$group; done
    for dir in /proc/[0-9]*/root; do
        case $(readlink "$dir" 2>/dev/null || true) in "$root"*) left+=$'\n'$dir ;; esac
    done
    [ -z "$left" ] || { say "left behind: $left" && return 1; }
}

# ---- steps ----

# A second version to upgrade to: the same files, but for the version and two conffiles.
make_upgrade() { # FROM TO
    local deb tree=$work/tree
    mkdir -p "$2"
    for deb in "$1"/*.deb; do
        rm -rf "$tree"
        dpkg-deb -R "$deb" "$tree"
        sed -i 's/^Version: .*/&+upgrade/' "$tree/DEBIAN/control"
        for file in api.env profiles/worker-local.env; do
            [ ! -e "$tree/etc/work-factory/$file" ] ||
                echo '# from the upgrade' >>"$tree/etc/work-factory/$file"
        done
        dpkg-deb --root-owner-group -b "$tree" "$2" >/dev/null
    done
    rm -rf "$tree"
}

container() { # OPTION... ; runs it in the root, in a control group of our own
    local dir
    for dir in $(hierarchies); do mkdir -p "$dir$group"; done
    bash -c 'for dir in $1; do echo $$ >"$dir$2/cgroup.procs"; done; shift 2; exec "$@"' nspawn \
        "$(hierarchies | tr '\n' ' ')" "$group" systemd-nspawn --quiet --register=no --keep-unit \
        --directory="$root" --bind-ro="$work/share:/deb-test" --setenv=DEBIAN_FRONTEND=noninteractive \
        "$@" </dev/null >>"$work/container.log" 2>&1 &
    nspawn_pid=$!
    wait "$nspawn_pid"
}

install_unit() {
    cat >"$root/etc/systemd/system/deb-test.service" <<'END'
[Unit]
After=basic.target dbus.service
Wants=dbus.service
SuccessAction=exit
FailureAction=exit
SuccessActionExitStatus=0
FailureActionExitStatus=1
[Service]
Type=oneshot
Environment=DEBIAN_FRONTEND=noninteractive HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/deb-test/deb_inside.sh with-systemd
StandardOutput=append:/var/log/deb-test.log
StandardError=inherit
TimeoutStartSec=600
[Install]
WantedBy=multi-user.target
END
    ln -s ../deb-test.service "$root/etc/systemd/system/multi-user.target.wants/deb-test.service"
}

[ "$(id -u)" = 0 ] || die "it needs root: debootstrap and systemd-nspawn do"
[ -x "${FAKTORY_BIN:-}" ] || die "FAKTORY_BIN=${FAKTORY_BIN:-} is not a program"
[ -d build/deb ] || die "there are no packages in build/deb: make deb"
rm -rf --one-file-system "$work"
mkdir -p "$work/share/one"
for name in api worker tools; do cp build/deb/work-factory-"$name"_*.deb "$work/share/one"; done
make_upgrade "$work/share/one" "$work/share/two"
cp tests/packages/deb_inside.sh "$work/share"
cp "$FAKTORY_BIN" "$work/share/faktory"

say "debootstrap"
debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log" 2>&1 ||
    die "debootstrap, see $work/debootstrap.log"
# The smallest Debian has no names yet; every other one has this.
echo '127.0.0.1 localhost' >"$root/etc/hosts"
say "where no systemd runs"
container /deb-test/deb_inside.sh without-systemd || {
    cat "$work/container.log"
    die "without systemd"
}
grep '^ok' "$work/container.log"
say "where systemd runs"
install_unit
code=0
container --private-network --boot || code=$?
cp "$root/var/log/deb-test.log" "$work/inside.log" || die "systemd did not boot: $work/container.log"
if [ $code != 0 ]; then
    cat "$work/inside.log"
    die "with systemd (exit code $code)"
fi
grep '^ok' "$work/inside.log"
say "$(cat "$work/container.log" "$work/inside.log" | grep -c '^ok') things hold; removing the root"

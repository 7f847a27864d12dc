# shellcheck shell=bash
# Scratch machines for scripts: sourced, after tests/support/stack.sh. Root only.
#
# A machine is a network namespace and a root of its own: an overlay of this machine's in memory, so
# that whatever is installed or stored there is gone with it. Its processes are ours.
#
#   machines_missing                  prints why there can be none here; nothing: there can
#   machine_start NAME                makes one; its loopback is up, its home /root/wf is empty
#   machine_run NAME COMMAND...       runs a command there, in its home
#   machine_stays LABEL NAME COMMAND  the same in the background: machine_pid LABEL, DIR/LABEL.log
#   machine_end LABEL                 SIGTERM, waits; sets `code` to its exit code
#   machines_link A B ADDRESS-A ADDRESS-B DELAYLINK-OPTION...   a link between two, as LABEL link
#   machines_stop                     ends everything, the last one first
#
# shellcheck disable=SC2016,SC2034,SC2154 # inner shells expand; `code` is for the caller; suite.sh
#
# Call all of it from one shell (a test's), which sets `trap machines_stop EXIT`.

machines_dir=$suite_dir/machines
machines=() machine_labels=()
declare -A machine_pids machine_holders

machines_missing() {
    local tool
    [ "$(id -u)" = 0 ] || echo "it takes network namespaces, which only root can make"
    [ -w /dev/net/tun ] || echo "there is no /dev/net/tun"
    for tool in ip unshare nsenter; do
        command -v $tool >/dev/null || echo "there is no $tool (Debian packages iproute2, util-linux)"
    done
    unshare --mount sh -c 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/u /mnt/w /mnt/m &&
        mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/m' 2>/dev/null ||
        echo "the kernel makes no overlay of / in a mount namespace"
}

# Runs inside of the new namespaces: $1 is a folder for the root, $2 one that both worlds share.
machine_inside='
    set -e
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$1"
    mkdir "$1/upper" "$1/work" "$1/root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
    mount --rbind /dev "$1/root/dev"
    mount --bind /proc "$1/root/proc"
    mkdir -p "$1/root$2" "$1/root/root/wf"
    mount --bind "$2" "$1/root$2"
    ip link set lo up
    exec chroot "$1/root" sh -c "cd /root/wf && echo ready && exec sleep 3600"'

machine_start() { # NAME
    local tries=200 log=$machines_dir/$1.log
    mkdir -p "$machines_dir/$1" "$WF_BUILD/logs"
    set -m
    unshare --mount --net sh -c "$machine_inside" sh "$machines_dir/$1" "$WF_BUILD/logs" \
        </dev/null >"$log" 2>&1 &
    set +m
    machine_holders[$1]=$!
    machines+=("$1")
    until grep -qs ready "$log"; do
        tries=$((tries - 1))
        if [ "$tries" = 0 ] || ! is_running "${machine_holders[$1]}"; then
            fail "the machine $1 did not start: $(cat "$log")"
        fi
        sleep 0.05
    done
}

machine_enter() { # NAME ; fills `enter`, in front of a command
    enter=(nsenter --target "${machine_holders[$1]}" --mount --net --root --wd --)
}

machine_run() { # NAME COMMAND...
    local enter
    machine_enter "$1"
    shift
    "${enter[@]}" "$@"
}

machine_stays() { # LABEL NAME COMMAND...
    local label=$1 enter
    machine_enter "$2"
    shift 2
    set -m
    "${enter[@]}" "$@" </dev/null >>"$machines_dir/$label.log" 2>&1 & # its pid is the command's
    set +m
    machine_pids[$label]=$!
    machine_labels+=("$label")
}

machine_pid() { # LABEL
    echo "${machine_pids[$1]:-}"
}

machine_end() { # LABEL
    code=0
    [ -n "$(machine_pid "$1")" ] || return 0
    end_process "$1" "$(machine_pid "$1")"
    machine_pids[$1]=
}

machines_link() { # A B ADDRESS-A ADDRESS-B OPTION...
    local tries=200 name
    for name in "$1" "$2"; do
        ip netns attach "wf$$$name" "${machine_holders[$name]}" || fail "ip netns attach failed"
    done
    set -m
    "$WF_BUILD/bin/delaylink" --a "wf$$$1" --b "wf$$$2" --addr-a "$3" --addr-b "$4" "${@:5}" \
        </dev/null >"$machines_dir/link.log" 2>&1 &
    set +m
    machine_pids[link]=$!
    machine_labels+=(link)
    until grep -qs ready "$machines_dir/link.log"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "the link did not come up: $(cat "$machines_dir/link.log")"
        sleep 0.05
    done
}

machines_stop() {
    local i name
    for ((i = ${#machine_labels[@]} - 1; i >= 0; i--)); do machine_end "${machine_labels[i]}"; done
    for name in "${machines[@]}"; do
        if [ -e "/run/netns/wf$$$name" ]; then ip netns delete "wf$$$name"; fi
        kill -KILL "${machine_holders[$name]}" 2>/dev/null || true
        wait "${machine_holders[$name]}" 2>/dev/null || true
    done
    machines=() machine_labels=()
}

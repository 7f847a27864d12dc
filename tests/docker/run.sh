#!/bin/bash
# Tests the images and the compose files with a Docker of its own: `make docker-test`, about 6 minutes.
#
# Nothing is asked of a registry and nothing of this machine's Docker. The base image is made here
# (build.sh), then each compose file is brought up, worked with, broken and stopped (scenes.sh). Each
# half runs in its own mount and PID namespace, the second in its own network namespace too: there
# are docker0, the rules, ip_forward and every network of the compose files. When a half ends, however
# it ends, the kernel ends all its processes and takes its mounts and networks back; this script
# removes its folder and the control groups, and compares the machine with what it was.
#
# Wants root, and the groups docker-test and run of tools/packages.txt; FAKTORY_BIN is the Faktory,
# VERSION and REVISION are what the images are told. DOCKER_TEST_KEEP=1 keeps the folder with the logs.
set -euo pipefail
cd "$(dirname "$0")/../.."

build_limit_s=1200 # debootstrap and packages come over the network
scenes_limit_s=900

if [ "$(id -u)" != 0 ]; then
    echo "This needs root: for namespaces, debootstrap and dockerd." >&2
    exit 1
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/wf-docker.XXXXXX") # short: sockets lie in it
cgroup=wf-docker-test-$$
# Where dockerd and containerd write whatever they are told; each half covers them (daemon.sh).
covered="/etc/docker /opt/containerd /run/containerd /run/docker"
made=() # of these, by this script
export dir cgroup covered FAKTORY_BIN
export VERSION=${VERSION:-unknown} REVISION=${REVISION:-unknown}
half_pid=

# ---- the machine, before and after ----

# Rules, networks of Docker's kind, forwarding, and what of ours is mounted or listed.
machine() {
    local tool
    for tool in iptables-save ip6tables-save; do
        echo "# $tool"
        PATH=$PATH:/usr/sbin $tool 2>&1 | grep -v '^#' | sed 's/\[[0-9:]*\]$//' || true
    done
    echo "# links"
    ip -br link | awk '{ print $1 }' | grep -E '^(docker|br-|veth[0-9a-f]{7}@)' || true
    echo "# forwarding"
    cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/forwarding \
        /proc/sys/net/ipv6/conf/all/forwarding 2>/dev/null || true
    echo "# mounts"
    grep -F "$dir" /proc/self/mountinfo || true
    echo "# folders of Docker"
    # shellcheck disable=SC2086 # a list of words
    find $covered 2>/dev/null || true
    echo "# control groups"
    find /sys/fs/cgroup -maxdepth 2 -name "$cgroup" 2>/dev/null || true
}

# Processes that live in a namespace of ours, or have our folder in their command line.
processes() {
    local proc
    for proc in /proc/[0-9]*; do
        if grep -qsFx "$(readlink "$proc/ns/pid" 2>/dev/null)" "$dir/namespaces" ||
            tr '\0' ' ' 2>/dev/null <"$proc/cmdline" | grep -qF "$dir/"; then
            echo "${proc#/proc/} $(tr '\0' ' ' 2>/dev/null <"$proc/cmdline" || true)"
        fi
    done
}

# ---- the end, whatever it is ----

remove_cgroups() {
    local group
    for group in /sys/fs/cgroup/"$cgroup" /sys/fs/cgroup/*/"$cgroup"; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
}

cover() {
    local folder
    for folder in $covered; do
        [ -d "$folder" ] || { mkdir -p "$folder" && made+=("$folder"); }
    done
}

uncover() { # they are empty: what was written is gone with the cover
    local folder
    for folder in "${made[@]}"; do
        [ ! -d "$folder" ] || rmdir "$folder" || true
    done
}

clean_up() {
    local tries=100
    # unshare takes its half along: --kill-child.
    [ -z "$half_pid" ] || kill -KILL "$half_pid" 2>/dev/null || true
    while [ -n "$(processes)" ] && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
    remove_cgroups
    uncover
    [ -n "${DOCKER_TEST_KEEP:-}" ] || rm -rf "$dir"
}

trap 'clean_up' EXIT
trap 'echo "interrupted"; exit 130' INT
trap 'exit 143' TERM HUP

# ---- a half ----

# In the background and looked at now and then: so a signal to this script is not kept waiting, and a
# half that takes too long is ended.
half() { # SCRIPT LIMIT-SECONDS UNSHARE-OPTION...
    local script=$1 limit=$2 start=$SECONDS code=0
    shift 2
    echo "== ${script##*/}"
    # shellcheck disable=SC2016 # it is the inner shell that knows its namespace
    unshare --mount --pid --fork --kill-child --mount-proc "$@" \
        bash -c 'readlink /proc/self/ns/pid >>"$dir/namespaces"; exec bash "$0"' "$script" </dev/null &
    half_pid=$!
    while kill -0 "$half_pid" 2>/dev/null; do
        if [ $((SECONDS - start)) -ge "$limit" ]; then
            echo "${script##*/} took more than $limit s"
            kill -KILL "$half_pid"
        fi
        sleep 0.5
    done
    wait "$half_pid" || code=$?
    half_pid=
    echo "== ${script##*/}: $((SECONDS - start)) s"
    return $code
}

start=$SECONDS
machine >"$dir/before"
cover
code=0
half tests/docker/build.sh $build_limit_s && half tests/docker/scenes.sh $scenes_limit_s --net || code=1

left=$(processes)
remove_cgroups
uncover
machine >"$dir/after"
echo "== the machine"
if diff "$dir/before" "$dir/after" && [ -z "$left" ]; then
    echo "ok      rules, networks, forwarding, mounts, folders, control groups, processes are what they were"
else
    echo "FAIL    something was left behind: the lines above${left:+, and these processes:}"
    echo "$left"
    code=1
fi
[ $code = 0 ] || [ -z "${DOCKER_TEST_KEEP:-}" ] || echo "The logs are in $dir."
echo "docker-test: $([ $code = 0 ] && echo passed || echo FAILED) after $((SECONDS - start)) s"
exit $code

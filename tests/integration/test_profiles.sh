#!/bin/bash
# The profiles in env/: complete, good, and read alike by everything that reads such files.
#
# What docker and systemd make of a file is told by two readers written here after their rules
# (docker/cli, opts/file.go; systemd, src/basic/env-file.c), so neither needs to be there.
#
# shellcheck disable=SC1003 # backslashes are what this is about
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/suite.sh
. tests/support/suite.sh

programs="api-service worker-service"
profiles=$(printf '%s\n' env/.env.*)

# ---- readers: FILE -> NAME=value lines ----

# docker --env-file: blanks before the name go, `#` starts a comment line, the value is what is
# left, with its quotes and blanks. A name without `=` takes its value from the environment.
read_as_docker() { # FILE
    local line
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%$'\r'}
        while [[ $line == [[:space:]]* ]]; do line=${line#?}; done
        case $line in '' | '#'*) continue ;; esac
        case ${line%%=*} in '' | *[[:space:]]*) echo "docker: bad line: $line" >&2 && return 1 ;; esac
        case $line in
        *=*) printf '%s\n' "$line" ;;
        *) [ -z "${!line+x}" ] || printf '%s=%s\n' "$line" "${!line}" ;;
        esac
    done <"$1"
}

# systemd's EnvironmentFile=: `#` and `;` start comments, a backslash joins lines, also in a comment,
# quotes are taken away, blanks around the value go. One step of its state machine a character.
read_as_systemd() { # FILE
    local text state=pre_key key='' value='' i c
    text=$(cat "$1" && echo x)
    text=${text%x}
    for ((i = 0; i < ${#text}; i++)); do
        c=${text:i:1}
        systemd_step
    done
    c=$'\n'
    systemd_step
}

systemd_push() {
    while [[ $state == value && $value == *[[:blank:]] ]]; do value=${value%?}; done
    while [[ $key == *[[:blank:]] ]]; do key=${key%?}; done
    [[ ! $key =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || printf '%s=%s\n' "$key" "$value"
    state=pre_key key='' value=''
}

systemd_step() {
    case $state/$c in
    pre_key/['#;']) state=comment ;;
    pre_key/[[:space:]]) ;;
    pre_key/*) state=key key=$c ;;
    key/$'\n') state=pre_key key='' ;;
    key/=) state=pre_value ;;
    key/*) key+=$c ;;
    pre_value/$'\n' | value/$'\n') systemd_push ;;
    pre_value/\') state=single ;;
    pre_value/\") state=double ;;
    pre_value/\\ | value/\\) state=escape ;;
    pre_value/[[:blank:]]) ;;
    pre_value/* | value/*) state=value value+=$c ;;
    escape/$'\n') state=value ;;
    escape/*) state=value value+=$c ;;
    single/\' | double/\") state=pre_value ;;
    single/*) value+=$c ;;
    double/\\) state=double_escape ;;
    double/*) value+=$c ;;
    double_escape/["\"\\\`$"]) state=double value+=$c ;;
    double_escape/$'\n') state=double ;;
    double_escape/*) state=double value+="\\$c" ;;
    comment/\\) state=comment_escape ;;
    comment/$'\n') state=pre_key ;;
    comment/*) ;;
    comment_escape/*) state=comment ;;
    esac
}

# ---- four ways to give a profile to a program; each prints the settings in force ----

in_force_by_lines() { # PROGRAM NAME=value lines
    local settings
    mapfile -t settings <<<"$2"
    clean_env "${settings[@]}" "$WF_BUILD/bin/$1" --check-config
}

by_shell() { # PROGRAM FILE
    # shellcheck disable=SC2016 # the inner shell expands
    clean_env sh -c 'set -a; . "$1"; shift; exec "$@"' sh "$PWD/$2" "$WF_BUILD/bin/$1" --check-config
}
by_docker() { in_force_by_lines "$1" "$(read_as_docker "$2")"; }
by_systemd() { in_force_by_lines "$1" "$(read_as_systemd "$2")"; }
by_option() { clean_env "$WF_BUILD/bin/$1" --env-file "$2" --check-config; }

names() { sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | sort; }

# ---- tests ----

there_are_six() {
    same "the list of profiles" \
        "$(printf 'env/.env.%s\n' bulk lan local low-latency wan wireless)" "$(sort <<<"$profiles")"
}

name_every_variable() {
    local profile program tables
    tables=$(for program in $programs; do clean_env "$WF_BUILD/bin/$program" --check-config; done |
        names | uniq)
    for profile in $profiles; do
        same "$profile: its variables" "$tables" "$(names <"$profile")"
    done
}

# A comment line stands above every setting, in the same block of lines.
explain_every_value() {
    local profile line explained
    for profile in $profiles; do
        explained=
        while IFS= read -r line; do
            case $line in
            '') explained= ;;
            '#'*) explained=1 ;;
            *) holds "$profile: nothing explains ${line%%=*}" test -n "$explained" ;;
            esac
        done <"$profile"
    done
}

pass_check_config() {
    local profile program
    for profile in $profiles; do
        for program in $programs; do
            by_option "$program" "$profile" >"$suite_dir/out" 2>&1 ||
                fail "$program refuses $profile: $(cat "$suite_dir/out")"
            holds "$program shows nothing for $profile" test -s "$suite_dir/out"
        done
    done
}

are_read_alike() {
    local profile program wanted
    for profile in $profiles; do
        for program in $programs; do
            wanted=$(by_option "$program" "$profile")
            same "$program with $profile, read by a shell" "$wanted" "$(by_shell "$program" "$profile")"
            same "$program with $profile, read by docker" "$wanted" "$(by_docker "$program" "$profile")"
            same "$program with $profile, read by systemd" "$wanted" "$(by_systemd "$program" "$profile")"
        done
    done
}

take_effect() {
    same "BIND_ADDR of lan" BIND_ADDR=0.0.0.0:3000 \
        "$(by_option api-service env/.env.lan | grep '^BIND_ADDR=')"
    same "FAKTORY_CONNECTION_TIMEOUT of wireless" FAKTORY_CONNECTION_TIMEOUT=20s \
        "$(by_option worker-service env/.env.wireless | grep '^FAKTORY_CONNECTION_TIMEOUT=')"
}

environment_wins() {
    same "the URL in force" FAKTORY_URL=tcp://server:7419 "$(clean_env FAKTORY_URL=tcp://server:7419 \
        "$WF_BUILD/bin/worker-service" --env-file env/.env.wireless --check-config | grep '^FAKTORY_URL=')"
}

# Where the readers differ they must say so, or their agreement above would mean nothing.
readers_know_the_difference() {
    local file=$suite_dir/tricky
    # shellcheck disable=SC2016 # nothing here is to be expanded
    printf '%s\n' '# a comment goes on \' 'HIDDEN=1' 'QUOTED="x y"' "SINGLE='a\\b'" 'PLAIN=a=b#c' \
        'JOINED=a\' 'b' '; also a comment' 'TRAILING=a ' 'ESCAPED="\$x\n"' 'EMPTY=' >"$file"
    # shellcheck disable=SC2016
    same "what systemd reads" "$(printf '%s\n' 'QUOTED=x y' 'SINGLE=a\b' 'PLAIN=a=b#c' 'JOINED=ab' \
        'TRAILING=a' 'ESCAPED=$x\n' 'EMPTY=')" "$(read_as_systemd "$file")"
    grep -v '^; ' "$file" | grep -v '^b$' >"$file.docker"
    # shellcheck disable=SC2016
    same "what docker reads" "$(printf '%s\n' 'HIDDEN=1' 'QUOTED="x y"' "SINGLE='a\\b'" 'PLAIN=a=b#c' \
        'JOINED=a\' 'TRAILING=a ' 'ESCAPED="\$x\n"' 'EMPTY=')" "$(read_as_docker "$file.docker")"
}

# D29: the environment was changed beside threads that read it. Here one file changes it, and only
# options_start() calls that file: main's first step, before there is a thread.
one_changes_the_environment() {
    same "files that change the environment" common/config/env_file.c \
        "$(grep -lrE '\<(setenv|putenv|unsetenv|clearenv) ?\(' common api worker)"
    same "callers of the loader" common/config/options.c \
        "$(grep -lrE '\<env_file_load ?\(' --include='*.c' common api worker | grep -v env_file.c)"
}

test_case "there are six profiles" there_are_six
test_case "every profile names every variable of both programs, once, and no other" name_every_variable
test_case "every profile explains every value" explain_every_value
test_case "both programs take every profile" pass_check_config
test_case "shell, docker, systemd and --env-file read every profile alike" are_read_alike
test_case "what a profile says takes effect" take_effect
test_case "the environment wins over --env-file" environment_wins
test_case "the readers of this test differ where docker and systemd do" readers_know_the_difference
test_case "D29: the environment changes in one place, before there are threads" \
    one_changes_the_environment
suite_end test_profiles

#!/bin/bash
# Runs test programs one after another, each with a time limit, and adds up what they say.
#
#   tests/run.sh PROGRAM...       (make check calls it; T=program/"part of a test name" picks tests)
#
# A program is a CUnit one (tests/support/suite.h says how its last line looks), a fuzz target with
# the replaying main, which gets its corpus, or a script test_*.sh: exit code 0 is passed, 77 is
# skipped with the reason as its last line, anything else failed.
#
# What the programs find in their environment: WF_BUILD, the build folder (programs are in
# $WF_BUILD/bin), and FAKTORY_BIN. A crash, a time-out, a report of a sanitizer and a process left
# running are failures. TEST_TIMEOUT is the limit of one program in seconds.
#
# The last line is `N passed, N failed`, with `, N skipped` after it where there are any.
set -euo pipefail
set -m # each program gets a process group of its own, which can be stopped as a whole

cd "$(dirname "$0")/.."
mode=${MODE:-release}
export WF_BUILD=${WF_BUILD:-$PWD/build/$mode}
logs=$WF_BUILD/logs
filter=
case ${T:-} in */*) filter=${T#*/} ;; esac

limit=${TEST_TIMEOUT:-}
[ -n "$limit" ] || case $mode in asan | tsan) limit=600 ;; *) limit=300 ;; esac

passed=0 failed=0 skipped=0
skips=() failures=() reasons=()
running=

# ---- one program ----

stop_running() {
    [ -z "$running" ] || kill -TERM -- "-$running" 2>/dev/null || true
}
trap 'stop_running; echo; echo "interrupted"; exit 130' INT
trap 'stop_running; exit 143' TERM

# Prints the processes of group $1, zombies aside.
group_members() {
    local stat pid rest
    for stat in /proc/[0-9]*/stat; do
        { read -r rest <"$stat"; } 2>/dev/null || continue
        pid=${rest%% *}
        rest=${rest##*) } # state, parent, group: the name before may hold anything
        # shellcheck disable=SC2086
        set -- "$1" $rest
        if [ "$4" = "$1" ] && [ "$2" != Z ]; then echo "$pid"; fi
    done
}

# What a program started must be gone soon after it. Prints what is not, and ends it.
end_leftovers() { # GROUP
    local tries=50 pid
    while [ -n "$(group_members "$1")" ] && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
    for pid in $(group_members "$1"); do
        echo "left running: $pid $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" || true)"
        kill -KILL "$pid" 2>/dev/null || true
    done
}

# ThreadSanitizer of gcc 12 cannot live with the address layout of newer kernels.
launcher=()
if [ "$mode" = tsan ] && [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -gt 28 ] &&
    setarch -R true 2>/dev/null; then
    launcher=(setarch -R)
fi

# Sanitizers write to files, so that a report of a service that a test started is not lost either.
set_sanitizers() { # NAME
    local common="log_path=$logs/$1.sanitizer:halt_on_error=1:exitcode=66"
    export ASAN_OPTIONS="$common:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    export UBSAN_OPTIONS="$common:print_stacktrace=1"
    export TSAN_OPTIONS="$common:second_deadlock_stack=1"
    export LSAN_OPTIONS="exitcode=66"
}

command_of() { # PROGRAM ; fills `args`
    local name=${1##*/}
    case $1 in
    *.sh) args=(bash "$1") ;;
    *.replay)
        name=${name#fuzz_}
        args=("$1" "tests/fuzz/corpus/${name%.replay}"/*)
        ;;
    *) args=("$1" ${filter:+"$filter"}) ;;
    esac
}

count() { # WORD ; the number before it in the program's last suite line
    sed -n "s/^suite .*[ :]\([0-9][0-9]*\) $1.*/\1/p" "$log" | tail -n 1
}

judge() { # NAME CODE ; sets p f s
    p=$(count passed) f=$(count failed) s=$(count skipped)
    if [ -z "$p" ] && [ "$2" = 0 ]; then # a script or a replay
        p=1 f=0 s=0
    elif [ -z "$p" ] && [ "$2" = 77 ]; then
        p=0 f=0 s=1
        skips+=("$1: $(tail -n 1 "$log")")
    elif [ -z "$p" ]; then # it did not get to its last line; what it was at counts as failed
        p=$(grep -c '^ok  ' "$log") || true
        s=$(grep -c '^skip  ' "$log") || true
        f=$(($(grep -c '^FAIL  ' "$log" || true) + 1))
    elif [ "$2" != 0 ] && [ "$f" = 0 ]; then
        f=1
    fi
    case $2 in
    124 | 137) echo "it did not end within $limit s (TEST_TIMEOUT)" >>"$log" ;;
    126 | 127) echo "it could not be started" >>"$log" ;;
    129 | 13[0-689] | 14?) echo "it died of signal $(kill -l "$2")" >>"$log" ;;
    esac
    while IFS= read -r line; do skips+=("$line"); done < <(sed -n 's/^skip  *//p' "$log")
}

run_one() { # PROGRAM
    local program=$1 name code=0 start left report p f s
    name=${program##*/}
    name=${name%.replay}
    name=${name%.sh}
    log=$logs/$name.log
    rm -f "$logs/$name.sanitizer"* "$log"
    set_sanitizers "$name"
    command_of "$program"
    start=$(date +%s%N)
    timeout -k 10 "$limit" "${launcher[@]}" "${args[@]}" </dev/null >"$log" 2>&1 &
    running=$!
    wait "$running" 2>/dev/null || code=$?
    judge "$name" "$code"
    left=$(end_leftovers "$running")
    running=
    if [ -n "$left" ]; then
        echo "$left" >>"$log"
        f=$((f + 1))
    fi
    for report in "$logs/$name.sanitizer"*; do
        [ -e "$report" ] || continue
        cat "$report" >>"$log"
        [ "$f" != 0 ] || f=1
    done
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    show "$name" "$p" "$f" "$s" "$((($(date +%s%N) - start) / 1000000))"
}

# ---- what a person sees ----

show() { # NAME PASSED FAILED SKIPPED MS
    local text="$2 passed"
    [ "$3" = 0 ] || text="$text, $3 FAILED"
    [ "$4" = 0 ] || text="$text, $4 skipped"
    printf '%-28s %-36s %4d.%d s\n' "$1" "$text" $(($5 / 1000)) $(($5 % 1000 / 100))
    if [ "$3" != 0 ]; then
        sed 's/^/    | /' "$log"
        failures+=("$1")
        reasons+=("$(reasons_in "$log")")
        again "$1"
    elif [ -n "${T:-}" ]; then
        sed 's/^/    | /' "$log"
    fi
}

# What of a log is repeated at the end, where whoever sees only the last lines finds it: each FAIL
# with what belongs to it, and the last line, which tells of a crash, a time-out or a sanitizer.
reasons_in() { # LOG
    awk '/^(ok|skip|suite) / { inside = 0 } /^FAIL / { inside = 12 } inside > 0 { inside--; print }' "$1" |
        head -n 40
    tail -n 1 "$1" | grep -v '^suite ' || true
    grep -h '^SUMMARY: ' "$1" || true
}

again() { # NAME
    echo "    run it again with: make check MODE=$mode T=${1#test_}"
    echo "    or one test of it: make check MODE=$mode T=${1#test_}/\"part of its name\""
}

skip_program() { # PROGRAM WHY
    local name=${1##*/} n=1
    case $1 in *.sh) ;; *) n=$("$1" --list | wc -l) ;; esac
    skipped=$((skipped + n))
    skips+=("${name%.sh}, all of it: $2")
}

needs_faktory() {
    case $1 in */tests/unit/* | *.replay) return 1 ;; esac
}

if [ $# = 0 ]; then
    echo "No test program${T:+ is called like T=$T}. There are:"
    find tests -name 'test_*.c' -o -name 'test_*.sh' -o -name 'fuzz_*.c' | sort |
        sed 's|.*/||; s|^test_|  |; s|^fuzz_|  fuzz_|; s|\.[a-z]*$||'
    exit 1
fi

mkdir -p "$logs"
no_faktory=
for program in "$@"; do
    if needs_faktory "$program" && [ -z "${asked:-}" ]; then
        asked=1
        FAKTORY_BIN=$(tools/get-faktory.sh) || no_faktory='no Faktory here (see above)'
        export FAKTORY_BIN
    fi
done
for program in "$@"; do
    if [ -n "$no_faktory" ] && needs_faktory "$program"; then
        skip_program "$program" "$no_faktory"
    else
        run_one "$program"
    fi
done

if [ ${#skips[@]} -gt 0 ]; then
    echo
    echo "skipped:"
    printf '  %s\n' "${skips[@]}"
fi
if [ ${#failures[@]} -gt 0 ]; then
    echo
    for i in "${!failures[@]}"; do
        echo "${failures[i]}:"
        printf '%s\n' "${reasons[i]}" | sed 's/^/    | /'
    done
    echo "failed: ${failures[*]} (output above, and in $logs)"
fi
sum="$passed passed, $failed failed"
[ "$skipped" = 0 ] || sum="$sum, $skipped skipped"
echo "$sum"
[ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]

# shellcheck shell=bash
# What test scripts share, and the words that tests/run.sh reads: sourced, from the root of the tree.
#
#   test_case NAME FUNCTION   runs it in a subshell; it fails by `fail SENTENCE` or any exit but 0,
#                             skips by `skip SENTENCE`, and must call `holds` or `same` at least once
#   suite_end NAME            prints the closing line and exits
#
# With T=program/"part of a name" only the tests whose name contains that part run.

suite_part=
case ${T:-} in */*) suite_part=${T#*/} ;; esac
suite_passed=0 suite_failed=0 suite_skipped=0
suite_dir=$(mktemp -d "${TMPDIR:-/tmp}/wf-test.XXXXXX")
trap 'rm -rf "$suite_dir"' EXIT

fail() { # SENTENCE
    printf '%s\n' "$*" >"$suite_dir/why"
    exit 1
}

skip() { # SENTENCE
    printf '%s\n' "$*" >"$suite_dir/why"
    exit 77
}

holds() { # SENTENCE COMMAND...
    local sentence=$1
    shift
    : >"$suite_dir/asserted"
    "$@" || fail "$sentence"
}

same() { # WHAT WANTED GOT
    : >"$suite_dir/asserted"
    [ "$2" = "$3" ] || fail "$1 differs, wanted < and got >:
$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") || true)"
}

# The names of the settings of both programs mean nothing here; those of the sanitizers do.
clean_env() { # [NAME=VALUE...] COMMAND...
    local keep=("PATH=$PATH") name
    for name in $(compgen -e | grep '^[A-Z]*SAN_OPTIONS$'); do keep+=("$name=${!name}"); done
    env -i "${keep[@]}" "$@"
}

test_case() { # NAME FUNCTION
    local code
    [[ $1 == *"$suite_part"* ]] || return 0
    rm -f "$suite_dir/why" "$suite_dir/asserted"
    set +e # not `|| code=$?`: behind that, `set -e` would mean nothing inside
    (set -euo pipefail && "$2")
    code=$?
    set -e
    if [ $code = 77 ]; then
        suite_skipped=$((suite_skipped + 1))
        printf 'skip  %s: %s\n' "$1" "$(cat "$suite_dir/why")"
    elif [ $code = 0 ] && [ -e "$suite_dir/asserted" ]; then
        suite_passed=$((suite_passed + 1))
        printf 'ok    %s\n' "$1"
    else
        suite_failed=$((suite_failed + 1))
        printf 'FAIL  %s\n' "$1"
        cat "$suite_dir/why" 2>/dev/null || echo "it asserted nothing, or ended with code $code"
    fi
}

suite_end() { # NAME
    printf 'suite %s: %d passed, %d failed, %d skipped\n' "$1" \
        "$suite_passed" "$suite_failed" "$suite_skipped"
    [ "$suite_failed" = 0 ] && [ "$suite_passed" -gt 0 ]
    exit
}

#!/bin/bash
# docs/coming-from-work-factory.md and docs/deploy.md name only what is there: targets of make,
# commands of wf, groups of the bench, settings, calls, files. And no recipe of the predecessor is
# forgotten.
#
# shellcheck disable=SC2016 # backquotes are Markdown's
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/support/suite.sh
. tests/support/suite.sh

page=docs/coming-from-work-factory.md
pages=("$page" docs/deploy.md)
wf=$WF_BUILD/bin/wf

# The recipes that its users typed.
recipes="server worker dev down logs server-logs status worker-logs worker-stats test-batch bench
    bench-large perf-test stress-test build clean help"

recipe_rows() { sed -n '/^## Recipes/,/^## /p' "$page" | grep '^| `'; }

every_recipe_has_a_row() {
    local name row
    for name in $recipes; do
        row=$(recipe_rows | grep -E "^\|[^|]*\`${name}[ \`]") || fail "$page forgets the recipe $name"
        holds "$name is mapped to no command" grep -qE "^\|[^|]*\| \`(make|wf)\b[^|]*\|" <<<"$row"
    done
}

# What stands between backquotes or as an indented line, and starts with the word.
commands() { # WORD
    grep -ohE "(\`|^    )$1( [^\`]*)?(\`|\$)" "${pages[@]}" | sed 's/^ *`\{0,1\}//; s/`$//' | sort -u
}

# A target that another part of the tree brings with it: where that part is, the target must be.
belongs_to() { # TARGET ; prints a path
    case $1 in
    docker | docker-test) echo docker ;;
    deb) echo debian ;;
    esac
}

targets_exist() {
    local line target group part n=0 known groups
    known=$(make -s help | awk '$1 == "make" { print $2 }')
    groups=$("$WF_BUILD/bin/bench" --list | cut -d ' ' -f 1)
    while read -r line; do
        target=$(sed -nE 's/^make ([a-z-]+).*/\1/p' <<<"$line")
        [ -n "$target" ] || continue # make alone
        part=$(belongs_to "$target")
        if [ -n "$part" ] && [ ! -e "$part" ]; then continue; fi
        holds "\`$line\`: make help does not know $target" grep -qx "$target" <<<"$known"
        group=$(sed -nE 's/.*\bONLY=([a-z-]+).*/\1/p' <<<"$line")
        [ -z "$group" ] || holds "\`$line\`: no such group" grep -qx "$group" <<<"$groups"
        n=$((n + 1))
    done < <(commands make)
    holds "only $n targets are named" test "$n" -ge 10
}

wf_commands_exist() {
    local line name known n=0
    [ -x "$wf" ] || skip "wf is not built"
    known=$(clean_env "$wf" help)
    while read -r line; do
        name=$(sed -nE 's/^wf ([a-z-]+).*/\1/p' <<<"$line")
        [ -n "$name" ] || continue
        holds "\`$line\`: wf help does not know $name" grep -qE "^  $name " <<<"$known"
        n=$((n + 1))
    done < <(commands wf)
    holds "only $n commands are named" test "$n" -ge 4
}

# The middle column of the table of settings.
settings_exist() {
    local name known n=0
    known=$(for name in api-service worker-service; do
        clean_env "$WF_BUILD/bin/$name" --check-config
    done | sed -n 's/^\([A-Z_]*\)=.*/\1/p')
    while read -r name; do
        case $name in WF_*) continue ;; esac # those of wf
        holds "there is no setting $name" grep -qx "$name" <<<"$known"
        n=$((n + 1))
    done < <(sed -n '/^## Settings/,/^## /p' "$page" | awk -F '|' '/^\|/ { print $3 }' |
        grep -oE '\b[A-Z]+_[A-Z_]+\b')
    holds "only $n settings are named" test "$n" -ge 12
}

calls_exist() {
    local path known
    known=$(sed -nE 's/^ *\{"[A-Z]+", "([^"]+)".*/\1/p' api/routes.c)
    while read -r path; do
        holds "there is no call $path" grep -qx -- "$path" <<<"$known"
    done < <(sed -n '/^## Calls/,/^What/p' "$page" | grep '^| [PG]' | cut -d '|' -f 2 |
        grep -oE '/[a-z/]+')
}

files_exist() {
    local name
    while read -r name; do
        case $name in docker/*) [ -e docker ] || continue ;; esac
        holds "there is no $name" test -e "$name"
    done < <(grep -ohE '\b(docker|tools|env)/[A-Za-z._-]*[a-z]' "${pages[@]}" | sort -u)
    while read -r name; do
        holds "a link goes to docs/$name, which is not there" test -e "docs/$name"
    done < <(grep -ohE '\]\([a-z/.-]+' "${pages[@]}" | cut -c 3- | sort -u)
}

test_case "every recipe of the predecessor has a command" every_recipe_has_a_row
test_case "every target of make that is named exists" targets_exist
test_case "every command of wf that is named exists" wf_commands_exist
test_case "every setting that is named exists" settings_exist
test_case "every call that is named exists" calls_exist
test_case "every file that is named exists" files_exist
suite_end test_coming_from

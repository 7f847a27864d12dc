// SPDX-License-Identifier: MIT
/*
 * spawn - starts another program so that it inherits nothing by accident: no open files but its
 * output, no blocked signals, and an environment that says what it may hold. For tests and the
 * bench; waiting for its end, and ending it, is the caller's.
 *
 * The kernel kills the child (SIGKILL) when the thread that started it ends, so that whoever
 * crashes leaves nothing behind: start children from a thread that stays.
 */
#ifndef COMMON_BASE_SPAWN_H
#define COMMON_BASE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"

struct spawn {
    const char *const *argv; /* NULL at the end; argv[0] without a slash is looked up on PATH */
    char *const *env;        /* all of its environment, as spawn_env() makes it */
    int output;              /* where its standard output and error go; stays the caller's */
    int netns;               /* descriptor of the network namespace it runs in; 0 or less: ours */
    bool own_group;          /* Ctrl-C at the terminal is then not for it */
};

/* Its pid, once the program really runs; or an error that says why it cannot be run. Blocks for
 * that moment. */
pid_t spawn_start(const struct spawn *s, struct err_text *why);

/*
 * A copy of this program's environment with changes made, in their order: "NAME=value" sets, "NAME"
 * removes, "NAME*" removes every variable whose name starts with NAME. First `changes`, then
 * `more`; each NULL at its end, or NULL for none. The caller frees the array; its strings are
 * borrowed. NULL without memory.
 */
char **spawn_env(const char *const *changes, const char *const *more);

/* What waitpid() said, as a shell has it: the exit code, or 128 + the signal that ended it. */
int spawn_status(int wait_status);

#endif

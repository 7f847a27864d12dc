// SPDX-License-Identifier: MIT
/*
 * args - the command line, taken apart after the tables: which command, which options with which
 * values, which arguments. Pure text: nothing is printed, nothing is asked of anybody.
 *
 *   --name VALUE, --name=VALUE, -n VALUE, -nVALUE; flags may be joined (-qj)
 *   options may stand anywhere, those of all commands also before the command's name
 *   `--` ends the options; -5 and -.5 are arguments, not options: numbers look like that
 */
#ifndef TOOLS_WF_ARGS_H
#define TOOLS_WF_ARGS_H

#include <stdint.h>

#include "common/base/err.h"
#include "tools/wf/command.h"

enum { ARGS_OPTIONS_MAX = 32 };

/* Embedded by value. The strings are those of argv. */
struct args {
    const struct wf_command *command; /* NULL: none was given */
    struct {
        const struct wf_option *option;
        const char *value; /* "" for a flag */
    } given[ARGS_OPTIONS_MAX];
    int n_given;
    int argc; /* arguments of the command */
    char **argv;
};

/*
 * Takes main's argc and argv apart; the arguments are moved to the front of argv. 0, or ERR_INVALID
 * with a sentence that names the word; a->command is set even then when it was found before.
 */
int args_read(struct args *a, int argc, char **argv, struct err_text *why);

/* Checks how many arguments there are. 0, or ERR_INVALID. */
int args_check(const struct args *a, struct err_text *why);

/* The value of an option, "" for a flag, NULL when it was not given. */
const char *args_given(const struct args *a, const char *name);

/*
 * The value of an option as a whole number, or as a duration in milliseconds ("250ms", "5s", or a
 * bare number of seconds); *out is untouched when it was not given. 0, or ERR_INVALID with what
 * was expected.
 */
int args_int(const struct args *a, const char *name, int64_t min, int64_t max, int64_t *out,
             struct err_text *why);
int args_ms(const struct args *a, const char *name, int64_t min, int64_t max, int64_t *out,
            struct err_text *why);

/* The same for a duration that is a part of a value. */
int args_ms_of(const char *name, const char *text, int64_t min, int64_t max, int64_t *out,
               struct err_text *why);

#endif

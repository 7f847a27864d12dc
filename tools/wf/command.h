// SPDX-License-Identifier: MIT
/*
 * command - what a command of wf is: a row of a table. main.c finds the row and calls it; help,
 * completion and the man page's test read the same rows. Plain values, all constant.
 */
#ifndef TOOLS_WF_COMMAND_H
#define TOOLS_WF_COMMAND_H

#include <stddef.h>

/* How wf ends. A script tells by it what to do next, so the man page has the same list. */
enum wf_exit {
    WF_DONE = 0,     /* all that was asked for */
    WF_NOT_DONE = 1, /* something was not: a job refused, an answer of no (doctor: advice) */
    WF_WRONG = 2,    /* wrong usage, a bad setting (doctor: broken) */
    WF_AWAY = 3,     /* the API or Faktory cannot be reached, or is too busy: nothing was stored */
    WF_UNKNOWN = 4,  /* sent, and no clear answer came: it may be stored */
};

/* An option of one command, or of all. `value` NULL: a flag. */
struct wf_option {
    const char *name;  /* "queue", for --queue */
    char brief;        /* 'q', for -q; 0: none */
    const char *value; /* "NAME", as help shows it */
    const char *help;  /* what it does, one line without a full stop */
};

struct wf; /* what every command has; see wf.h */

struct wf_command {
    const char *name;
    const char *args;                /* "TYPE [ARG...]"; "" when there are none */
    int least, most;                 /* how many; most -1: as many as one likes */
    const char *summary;             /* one line without a full stop */
    const char *words;               /* what completion offers as the first argument; NULL: files */
    const struct wf_option *options; /* ended by a row without name; NULL: none */

    /* `argv` are the arguments without options, `argc` of them between least and most. Returns an
     * exit code; what went wrong has been said then. */
    int (*run)(struct wf *wf, int argc, char **argv);
};

/* The command of that name, or NULL. */
const struct wf_command *command_find(const char *name);

/* The option of that name, or of that letter, in a table that may be NULL. */
const struct wf_option *option_find(const struct wf_option *options, const char *name, size_t len);
const struct wf_option *option_brief(const struct wf_option *options, char brief);

/* Walks a table: `options` itself first, then the rows behind; NULL at the end. */
const struct wf_option *option_next(const struct wf_option *options);

#endif

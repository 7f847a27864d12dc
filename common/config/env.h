// SPDX-License-Identifier: MIT
/*
 * env - a program's configuration: one table of environment variables, read once into a struct.
 *
 * The table drives reading, --help, --check-config, the README's settings and the test that the
 * profiles in env/ name every variable. A bad value is an error that names the variable, the value
 * and what was expected; all of them are reported. An empty value counts as unset. Used by main
 * before any thread starts: getenv is not safe beside setenv.
 */
#ifndef COMMON_CONFIG_ENV_H
#define COMMON_CONFIG_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/config/env_secret.h"

enum env_kind {
    ENV_STRING,   /* field: const char * (owned by the environment, or the table's fallback) */
    ENV_INT,      /* field: int64_t within [min, max] */
    ENV_AUTO_INT, /* the same, or "auto", which gives ENV_AUTO */
    ENV_BOOL,     /* field: bool; true/false/yes/no/on/off/1/0 in any case */
    ENV_MS,       /* field: int64_t milliseconds; "250ms" "5s" "2m" "1h" or a bare number, which is
                     in the unit of the name: milliseconds for a name in _MS, else seconds.
                     min and max are milliseconds */
    ENV_BYTES,    /* field: int64_t; "512", "64KiB", "8MiB", "1GiB" */
    ENV_CHOICE,   /* field: int, the index in `choices` ("text|json") */
    ENV_SECRET,   /* field: struct env_secret; the value, or the path of a file that has it */
};

/* What an ENV_AUTO_INT field holds for "auto". */
#define ENV_AUTO INT64_MIN

struct env_var {
    const char *name;
    enum env_kind kind;
    size_t offset;        /* of the field in the program's config struct */
    const char *fallback; /* the default as a person would type it; NULL: empty string */
    int64_t min, max;     /* for the numeric kinds */
    const char *choices;  /* for ENV_CHOICE */
    bool secret;          /* an ENV_STRING that is shown redacted (FAKTORY_URL: its password) */
    /* Optional further check of an ENV_STRING: 0, or a negative error with `expected` text added.
     */
    int (*check)(const char *value, struct buf *expected);
    const char *help; /* one or two sentences, wrapped by --help */
};

/*
 * Reads every variable of the table into `config`. 0, or ERR_INVALID: `errors` then has one line
 * per bad variable: `BATCH_MAX_SIZE="abc": expected a whole number from 1 to 500`. Every field is
 * set in either case (a bad one to its default).
 */
int env_read(const struct env_var *vars, size_t n, void *config, struct buf *errors);

/* `NAME=value` lines of the settings in force, in the syntax of an env file; secrets redacted. */
void env_show(const struct env_var *vars, size_t n, const void *config, struct buf *out);

/* The settings part of --help: name, default, meaning. */
void env_help(const struct env_var *vars, size_t n, struct buf *out);

#endif

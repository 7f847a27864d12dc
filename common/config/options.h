// SPDX-License-Identifier: MIT
/*
 * options - the command line that both services share, and the steps from it to a configuration:
 * --help, --version, --check-config, --health, --env-file FILE. Everything else is environment.
 */
#ifndef COMMON_CONFIG_OPTIONS_H
#define COMMON_CONFIG_OPTIONS_H

#include "common/base/err.h"
#include "common/config/env.h"

struct program {
    const char *name;    /* "api-service" */
    const char *summary; /* one line for --help */
    const char *version;
    const struct env_var *vars;
    size_t n_vars;
    /* Optional: what no single variable shows (two that contradict). Adds lines to `errors`. A bad
     * variable has its default then. */
    int (*check)(const void *config, struct buf *errors);
    /* Optional, and then there is --health: asks the instance of this program that runs with these
     * settings how it is, by a deadline. 0, with its answer in `says`; or an error with `why`. */
    int (*health)(const void *config, struct buf *says, struct err_text *why);
};

/*
 * Reads every variable of the program from the environment and lets it check them together. 0, or
 * ERR_INVALID with all faults as lines in `errors`.
 */
int program_read(const struct program *p, void *config, struct buf *errors);

/*
 * Reads the command line, the env file and the environment into `config`. Returns -1 to go on, or
 * the exit code: 0 after --help, --version, a good --check-config (which prints the settings in
 * force) and a good --health, 1 after a bad --health, 2 after any error, all of which are on
 * standard error.
 */
int options_start(const struct program *p, int argc, char **argv, void *config);

#endif

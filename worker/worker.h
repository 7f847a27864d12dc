// SPDX-License-Identifier: MIT
/* worker - the whole program but for main(): a test has one of its own, with other job types. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stddef.h>

#include "worker/registry.h"

/* Runs until it is told to stop; returns the exit code: 0 stopped as it should, 1 could not start
 * or left something behind, 2 bad options or settings. Main thread, before all others. */
int worker_main(int argc, char **argv, const struct registry_row *rows, size_t n_rows);

#endif

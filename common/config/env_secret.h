// SPDX-License-Identifier: MIT
/*
 * env_secret - a setting that nobody may see: the variable has it, or names the file that has it.
 *
 * A value that begins with a slash is the path of a file, as in Faktory's own FAKTORY_PASSWORD, so
 * that one variable with one value does for both sides. As there, white space around what a file
 * has is no part of it (an editor ends the last line), and the value of a variable is taken as it
 * is. A line break in either is refused: it is always a slip, and hard to see. Main only, before
 * threads.
 */
#ifndef COMMON_CONFIG_ENV_SECRET_H
#define COMMON_CONFIG_ENV_SECRET_H

#include "common/base/buf.h"

enum { ENV_SECRET_MAX = 256 }; /* its NUL included */

struct env_secret {
    char text[ENV_SECRET_MAX]; /* empty: there is none */
    const char *file;          /* what it was read from; NULL: from the variable itself */
};

/* Reads a variable's value. 0, or ERR_INVALID: *out is unchanged, and `why` has what is wrong with
 * it, in a few words without the secret. Blocks no longer than the disk does. */
int env_secret_read(const char *value, struct env_secret *out, struct buf *why);

/* Appends a variable's value for people to see: the path of a file, or "***". A secret that begins
 * with a slash by chance does not count as a path unless a folder of that name is there. */
void env_secret_show(const char *value, struct buf *out);

#endif

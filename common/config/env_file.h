// SPDX-License-Identifier: MIT
/*
 * env_file - loads a profile of NAME=value lines into the environment.
 *
 * The syntax is what `set -a; . FILE`, `docker --env-file` and systemd's EnvironmentFile= all read
 * alike: NAME=value without spaces around "=", no quotes, no blanks, no $ ` \ ~ or other characters
 * that a shell would act on, no name twice, "#" comments on lines of their own. Anything else is an
 * error with file and line, so that the four readings cannot drift apart.
 */
#ifndef COMMON_CONFIG_ENV_FILE_H
#define COMMON_CONFIG_ENV_FILE_H

#include <stddef.h>

#include "common/base/buf.h"

enum { ENV_FILE_MAX_BYTES = 64 * 1024 };

/*
 * What the environment already holds wins over the file (an empty variable counts as unset). 0, or
 * ERR_INVALID / ERR_IO with every fault of the file as a line in `errors`; nothing is set then.
 * Main only, before threads.
 */
int env_file_load(const char *path, struct buf *errors);

/* Takes one setting; not 0 ends the reading with that code. */
typedef int env_file_setting(void *ctx, const char *name, const char *value);

/* The same for text in memory, which `path` names in errors; touches no environment. */
int env_file_parse(const char *text, size_t len, const char *path, env_file_setting *fn, void *ctx,
                   struct buf *errors);

#endif

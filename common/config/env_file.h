// SPDX-License-Identifier: MIT
/*
 * env_file - loads a profile of NAME=value lines into the environment.
 *
 * The syntax is what `set -a; . FILE`, `docker --env-file` and systemd's EnvironmentFile= all read
 * alike: NAME=value without spaces around "=", no quotes, no blanks, no $ ` \ or other characters
 * that a shell would act on, "#" comments on lines of their own. Anything else is an error with
 * file and line, so that the four readings cannot drift apart.
 */
#ifndef COMMON_CONFIG_ENV_FILE_H
#define COMMON_CONFIG_ENV_FILE_H

#include "common/base/buf.h"

/*
 * What the environment already holds wins over the file. 0, or ERR_INVALID / ERR_IO with every
 * fault of the file as a line in `errors`; nothing is set then. Main only, before threads.
 */
int env_file_load(const char *path, struct buf *errors);

#endif

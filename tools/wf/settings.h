// SPDX-License-Identifier: MIT
/* settings - where the API and Faktory are: the environment, read once through one table. */
#ifndef TOOLS_WF_SETTINGS_H
#define TOOLS_WF_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/config/env.h"
#include "common/faktory/faktory.h"

/* A plain value. Strings belong to the environment or to argv. */
struct settings {
    const char *api_url;     /* http://host:port, nothing behind it */
    const char *faktory_url; /* as given, with the password: never print it */
    struct env_secret faktory_password;
    struct faktory_settings faktory; /* its URL with the password, wherever that came from */
    int64_t timeout_ms;              /* longest wait for one answer */
};

extern const struct env_var settings_vars[];
extern const size_t settings_vars_n;

/*
 * Reads `env_file` (NULL: none) and the environment; `api` and `faktory` (NULL: not given) win over
 * both. 0, or ERR_INVALID with all faults as lines in `errors`. Before any thread starts.
 */
int settings_read(struct settings *s, const char *env_file, const char *api, const char *faktory,
                  struct buf *errors);

#endif

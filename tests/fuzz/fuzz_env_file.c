// SPDX-License-Identifier: MIT
/*
 * fuzz_env_file - whatever is accepted is plain NAME=value, whatever is refused says why in whole
 * lines, and the settings written out again read the same.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/config/env_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* Holds the setting to the promise of env_file.h and writes it down as a line. */
static int collect(void *ctx, const char *name, const char *value)
{
    must(name[0] != '\0' && strchr("0123456789", name[0]) == NULL);
    for (const char *at = name; *at; at++)
        must(*at > ' ' && *at < 0x7f && !strchr("=-.,:", *at));
    for (const char *at = value; *at; at++)
        must(*at > ' ' && *at < 0x7f && !strchr("\"'`$\\~;&|<>(){}^", *at));
    buf_addf(ctx, "%s=%s\n", name, value);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = BUF_INIT(0), twice = BUF_INIT(0), errors = BUF_INIT(0);
    int code = env_file_parse((const char *)data, size, "file", collect, &once, &errors);

    if (code == 0) {
        must(errors.len == 0);
        must(env_file_parse(buf_str(&once), once.len, "file", collect, &twice, &errors) == 0);
        must(strcmp(buf_str(&once), buf_str(&twice)) == 0);
    } else {
        must(code == ERR_INVALID && once.len == 0);
        must(strncmp(buf_str(&errors), "file:", 5) == 0);
        must(errors.data[errors.len - 1] == '\n');
    }
    buf_fini(&once);
    buf_fini(&twice);
    buf_fini(&errors);
    return 0;
}

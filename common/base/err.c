// SPDX-License-Identifier: MIT
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>

int err_set(struct err_text *why, int code, const char *fmt, ...)
{
    if (why) {
        va_list args;

        va_start(args, fmt);
        vsnprintf(why->text, sizeof why->text, fmt, args);
        va_end(args);
    }
    return code;
}

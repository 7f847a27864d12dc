// SPDX-License-Identifier: MIT
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>

const char *err_name(int code)
{
    switch (code) {
    case 0:
        return "ok";
    case ERR_NOMEM:
        return "out of memory";
    case ERR_INVALID:
        return "invalid";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_CLOSED:
        return "connection closed";
    case ERR_IO:
        return "I/O error";
    case ERR_PROTOCOL:
        return "protocol error";
    case ERR_REFUSED:
        return "refused";
    case ERR_FULL:
        return "full";
    case ERR_STOPPED:
        return "stopped";
    case ERR_ABSENT:
        return "absent";
    default:
        return "unknown error";
    }
}

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

// SPDX-License-Identifier: MIT
#include "common/faktory/jid.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/base/clock.h"

static char *put_hex(char *to, uint64_t value, int digits)
{
    static const char hex[] = "0123456789abcdef";

    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        to[i] = hex[value & 15];
    return to + digits;
}

void jid_make(char out[JID_CHARS + 1])
{
    uint64_t random;
    char *at;

    arc4random_buf(&random, sizeof random);
    at = put_hex(out, (uint64_t)clock_wall_ms(), 12);
    at = put_hex(at, random, 12);
    *at = '\0';
}

// SPDX-License-Identifier: MIT
#include "common/faktory/jid.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/base/clock.h"

enum { POOL = 64 };

static char *put_hex(char *to, uint64_t value, int digits)
{
    static const char hex[] = "0123456789abcdef";

    for (int i = digits - 1; i >= 0; i--, value >>= 4)
        to[i] = hex[value & 15];
    return to + digits;
}

/* Each thread takes randomness from the system for many ids at a time: it costs a system call. */
static uint64_t next_random(void)
{
    static _Thread_local uint64_t pool[POOL];
    static _Thread_local unsigned left;

    if (left == 0) {
        arc4random_buf(pool, sizeof pool);
        left = POOL;
    }
    return pool[--left];
}

void jid_make(char out[JID_CHARS + 1])
{
    uint64_t random = next_random();
    char *at;

    at = put_hex(out, (uint64_t)clock_wall_ms(), 12);
    at = put_hex(at, random, 12);
    *at = '\0';
}

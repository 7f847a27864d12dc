// SPDX-License-Identifier: MIT
/* backoff - how long to wait before the next attempt: exponential, capped, with full jitter so
 * that many clients do not come back at the same instant. Arithmetic only. */
#ifndef COMMON_FAKTORY_BACKOFF_H
#define COMMON_FAKTORY_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ms, most_ms;
    unsigned failures; /* since the last success */
};

/* The wait before the next attempt: first_ms/2 to first_ms, doubling up to most_ms/2 to most_ms. */
int64_t backoff_next_ms(struct backoff *b);
void backoff_reset(struct backoff *b);

#endif

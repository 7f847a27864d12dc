// SPDX-License-Identifier: MIT
#include "common/faktory/backoff.h"

#include <stdlib.h>

int64_t backoff_next_ms(struct backoff *b)
{
    int64_t limit = b->first_ms;

    for (unsigned i = 0; i < b->failures && limit < b->most_ms; i++)
        limit *= 2;
    if (limit > b->most_ms)
        limit = b->most_ms;
    b->failures++;
    return limit / 2 + (int64_t)arc4random_uniform((uint32_t)(limit / 2 + 1));
}

void backoff_reset(struct backoff *b)
{
    b->failures = 0;
}

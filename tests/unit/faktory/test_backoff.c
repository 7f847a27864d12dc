// SPDX-License-Identifier: MIT
/* Waits grow, stay within their bounds, and differ. */
#include "common/faktory/backoff.h"
#include "tests/support/suite.h"

enum { FIRST_MS = 50, MOST_MS = 3000, ROUNDS = 200 };

static void test_bounds(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct backoff b = {.first_ms = FIRST_MS, .most_ms = MOST_MS};
        int64_t limit = FIRST_MS;

        for (int i = 0; i < 12; i++) {
            int64_t ms = backoff_next_ms(&b);

            CU_ASSERT(ms >= limit / 2 && ms <= limit);
            limit = limit * 2 < MOST_MS ? limit * 2 : MOST_MS;
        }
    }
}

static void test_jitter(void)
{
    struct backoff b = {.first_ms = 1000, .most_ms = 1000};
    int64_t least = 1000, most = 0;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t ms = backoff_next_ms(&b);

        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    /* 200 even draws from 500..1000: that all lie in half of it has a chance of 2^-200 */
    CU_ASSERT(most - least > 250);
}

static void test_reset(void)
{
    struct backoff b = {.first_ms = FIRST_MS, .most_ms = MOST_MS};

    for (int i = 0; i < 10; i++)
        (void)backoff_next_ms(&b);
    CU_ASSERT(backoff_next_ms(&b) >= MOST_MS / 2);
    backoff_reset(&b);
    CU_ASSERT(backoff_next_ms(&b) <= FIRST_MS);
}

static void test_many_failures(void)
{
    struct backoff b = {.first_ms = FIRST_MS, .most_ms = MOST_MS, .failures = 4000000000U};

    CU_ASSERT(backoff_next_ms(&b) <= MOST_MS);
    b = (struct backoff){.first_ms = 1, .most_ms = 1};
    CU_ASSERT(backoff_next_ms(&b) <= 1);
}

static const struct suite_test tests[] = {
    {"a wait is between half and all of its limit, which doubles up to the cap", test_bounds},
    {"waits are spread, so that clients do not come back together", test_jitter},
    {"success makes the next wait short again", test_reset},
    {"countless failures stay at the cap", test_many_failures},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "backoff", tests, SUITE_COUNT(tests), NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "common/base/clock.h"

#include <limits.h>
#include <string.h>

#include "common/base/err.h"
#include "common/base/sync.h"
#include "tests/support/suite.h"

static void clocks_do_not_go_back(void)
{
    int64_t ms = clock_ms(), us = clock_us();

    for (int i = 0; i < 100000; i++) {
        int64_t next_ms = clock_ms(), next_us = clock_us();

        CU_ASSERT_FATAL(next_ms >= ms && next_us >= us);
        ms = next_ms;
        us = next_us;
    }
    CU_ASSERT_TRUE(us / 1000 - ms <= 1000 && us / 1000 >= ms); /* one clock in two units */
}

static void wall_clock_is_that_of_the_system(void)
{
    int64_t before = (int64_t)time(NULL) - 1, now = clock_wall_ms() / 1000;

    CU_ASSERT_TRUE(now >= before && now <= (int64_t)time(NULL) + 1);
}

static void deadline_becomes_a_timespec(void)
{
    struct timespec t = clock_timespec(12345);

    CU_ASSERT_EQUAL(t.tv_sec, 12);
    CU_ASSERT_EQUAL(t.tv_nsec, 345000000);
}

static void poll_time_is_bounded_on_both_sides(void)
{
    int left;

    CU_ASSERT_EQUAL(clock_poll_ms(clock_ms() - 1000, 500), 0);
    CU_ASSERT_EQUAL(clock_poll_ms(CLOCK_NEVER, 500), 500);
    CU_ASSERT_EQUAL(clock_poll_ms(clock_ms() + 3600000, 500), 500);
    CU_ASSERT_EQUAL(clock_poll_ms(clock_ms() + INT64_C(100) * INT_MAX, INT_MAX), INT_MAX);
    left = clock_poll_ms(clock_ms() + 60000, 100000);
    CU_ASSERT_TRUE(left > 0 && left <= 60000);
}

static void timed_wait_ends_at_its_deadline(void)
{
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int64_t deadline = clock_ms() + 30;

    mutex_init(&lock);
    cond_init(&cond);
    mutex_lock(&lock);
    while (cond_wait_until(&cond, &lock, deadline))
        ;
    CU_ASSERT_TRUE(clock_ms() >= deadline);
    mutex_unlock(&lock);
    cond_fini(&cond);
    mutex_fini(&lock);
}

static const struct {
    const char *text;
    int64_t ms;
} times[] = {
    {"1970-01-01T00:00:00.000Z", 0},
    {"2026-11-21T10:18:00.123Z", INT64_C(1795256280123)},
    {"2000-02-29T23:59:59.999Z", INT64_C(951868799999)},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
};

static void times_are_written_and_read_back(void)
{
    for (int i = 0; i < SUITE_COUNT(times); i++) {
        char text[CLOCK_RFC3339_MAX];
        int64_t ms = -1;

        clock_rfc3339(times[i].ms, text);
        CU_ASSERT_STRING_EQUAL(text, times[i].text);
        CU_ASSERT_EQUAL(clock_parse_rfc3339(text, strlen(text), &ms), 0);
        CU_ASSERT_EQUAL(ms, times[i].ms);
    }
}

static void other_spellings_of_a_time_are_read(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:01Z", 1000},
        {"1970-01-01T00:00:01.5Z", 1500},
        {"1970-01-01T00:00:01.123456789Z", 1123},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800000)},
    };

    for (int i = 0; i < SUITE_COUNT(cases); i++) {
        int64_t ms = 77;

        CU_ASSERT_EQUAL(clock_parse_rfc3339(cases[i].text, strlen(cases[i].text), &ms), 0);
        CU_ASSERT_EQUAL(ms, cases[i].ms);
    }
}

static void what_is_no_time_is_refused(void)
{
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T10:18:00",
        "2026-11-21 10:18:00Z",
        "2026-11-21t10:18:00Z",
        "2026-11-21T10:18:00z",
        "2026-11-21T10:18Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-11-21T10:18:60Z",
        "2026-11-21T10:18:00.Z",
        "2026-11-21T10:18:00.1234567890Z",
        "2026-11-21T10:18:00,5Z",
        "2026-11-21T10:18:00+2:00",
        "2026-11-21T10:18:00+24:00",
        "2026-11-21T10:18:00+0200",
        "2026-11-21T10:18:00Zx",
        " 2026-11-21T10:18:00Z",
        "-026-11-21T10:18:00Z",
        "0000-01-01T00:00:00Z",
    };

    for (int i = 0; i < SUITE_COUNT(cases); i++) {
        int64_t ms = 77;

        CU_ASSERT_EQUAL(clock_parse_rfc3339(cases[i], strlen(cases[i]), &ms), ERR_INVALID);
        CU_ASSERT_EQUAL(ms, 77);
    }
}

static void every_cut_of_a_time_is_refused(void)
{
    static const char text[] = "2026-11-21T10:18:00.123+02:00";
    int64_t ms;

    CU_ASSERT_EQUAL(clock_parse_rfc3339(text, sizeof text - 1, &ms), 0);
    for (size_t len = 0; len < sizeof text - 1; len++)
        CU_ASSERT_EQUAL(clock_parse_rfc3339(text, len, &ms), ERR_INVALID);
}

static const struct suite_test tests[] = {
    {"the monotonic clock does not go back", clocks_do_not_go_back},
    {"the wall clock is that of the system", wall_clock_is_that_of_the_system},
    {"a deadline becomes a timespec", deadline_becomes_a_timespec},
    {"the time to poll is bounded on both sides", poll_time_is_bounded_on_both_sides},
    {"a timed wait ends at its deadline, not before", timed_wait_ends_at_its_deadline},
    {"times are written and read back", times_are_written_and_read_back},
    {"other spellings of a time are read", other_spellings_of_a_time_are_read},
    {"what is no time is refused", what_is_no_time_is_refused},
    {"every cut of a time is refused", every_cut_of_a_time_is_refused},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "clock", tests, SUITE_COUNT(tests), NULL, NULL);
}

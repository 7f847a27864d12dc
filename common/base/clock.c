// SPDX-License-Identifier: MIT
#include "common/base/clock.h"

#include <stdbool.h>
#include <stdio.h>

#include "common/base/err.h"

static int64_t read_clock(clockid_t id, int64_t per_second)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * per_second + t.tv_nsec / (1000000000 / per_second);
}

int64_t clock_ms(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t clock_us(void)
{
    return read_clock(CLOCK_MONOTONIC, 1000000);
}

int64_t clock_earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

int64_t clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME, 1000);
}

struct timespec clock_timespec(int64_t deadline_ms)
{
    struct timespec t = {.tv_sec = (time_t)(deadline_ms / 1000),
                         .tv_nsec = (long)(deadline_ms % 1000) * 1000000};

    return t;
}

int clock_poll_ms(int64_t deadline_ms, int most_ms)
{
    int64_t left = deadline_ms == CLOCK_NEVER ? most_ms : deadline_ms - clock_ms();

    if (left < 0)
        return 0;
    return left < most_ms ? (int)left : most_ms;
}

void clock_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_MAX])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(out, CLOCK_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_RFC3339_MAX - n, ".%03dZ", (int)(wall_ms % 1000));
}

/* Reads exactly `digits` decimal digits within [lo, hi] and moves on; -1 if they are not there. */
static int take_number(const char **at, const char *end, int digits, int lo, int hi)
{
    int value = 0;

    if (end - *at < digits)
        return -1;
    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];

        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    *at += digits;
    return value < lo || value > hi ? -1 : value;
}

static bool take_char(const char **at, const char *end, char c)
{
    if (*at >= end || **at != c)
        return false;
    (*at)++;
    return true;
}

/* ".123456789" to milliseconds; no fraction is 0; -1 when malformed. */
static int take_fraction(const char **at, const char *end)
{
    int ms = 0, digits = 0;

    if (!take_char(at, end, '.'))
        return 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, digits++)
        if (digits < 3)
            ms = ms * 10 + (**at - '0');
    for (int i = digits; i < 3; i++)
        ms *= 10;
    return digits >= 1 && digits <= 9 ? ms : -1;
}

/* "Z" or "+hh:mm" to minutes east of UTC. */
static bool take_offset(const char **at, const char *end, int *minutes)
{
    int sign, hours, mins;

    *minutes = 0;
    if (take_char(at, end, 'Z'))
        return true;
    if (take_char(at, end, '+'))
        sign = 1;
    else if (take_char(at, end, '-'))
        sign = -1;
    else
        return false;
    hours = take_number(at, end, 2, 0, 23);
    if (hours < 0 || !take_char(at, end, ':'))
        return false;
    mins = take_number(at, end, 2, 0, 59);
    *minutes = sign * (hours * 60 + mins);
    return mins >= 0;
}

int clock_parse_rfc3339(const char *text, size_t len, int64_t *wall_ms)
{
    const char *at = text, *end = text + len;
    struct tm tm = {0};
    int ms, offset;

    if ((tm.tm_year = take_number(&at, end, 4, 1, 9999) - 1900) < 1 - 1900 ||
        !take_char(&at, end, '-') || (tm.tm_mon = take_number(&at, end, 2, 1, 12) - 1) < 0 ||
        !take_char(&at, end, '-') || (tm.tm_mday = take_number(&at, end, 2, 1, 31)) < 0 ||
        !take_char(&at, end, 'T') || (tm.tm_hour = take_number(&at, end, 2, 0, 23)) < 0 ||
        !take_char(&at, end, ':') || (tm.tm_min = take_number(&at, end, 2, 0, 59)) < 0 ||
        !take_char(&at, end, ':') || (tm.tm_sec = take_number(&at, end, 2, 0, 59)) < 0 ||
        (ms = take_fraction(&at, end)) < 0 || !take_offset(&at, end, &offset) || at != end)
        return ERR_INVALID;

    struct tm normal = tm;
    time_t seconds = timegm(&normal);

    if (normal.tm_mday != tm.tm_mday) /* 30 February: timegm would move it to March */
        return ERR_INVALID;
    *wall_ms = ((int64_t)seconds - (int64_t)offset * 60) * 1000 + ms;
    return 0;
}

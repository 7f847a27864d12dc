// SPDX-License-Identifier: MIT
#include "tools/bench/bench.h"

#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

static atomic_bool stopped;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stopped, true);
}

void bench_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool bench_stopped(void)
{
    return atomic_load(&stopped);
}

bool bench_sleep_until(int64_t at_us)
{
    struct timespec t = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};

    while (!bench_stopped() && clock_us() < at_us)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    return !bench_stopped();
}

static char current[120]; /* what is being measured */

void bench_now(const char *what)
{
    snprintf(current, sizeof current, "%s", what);
}

void bench_line_end(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

void bench_progress(const char *fmt, ...)
{
    char text[120];
    va_list args;

    if (!isatty(STDERR_FILENO))
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(stderr, "\r\033[K%s: %s", current, text);
}

// SPDX-License-Identifier: MIT
#include "tools/wf/stop.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

static volatile sig_atomic_t asked;

static void note(int number)
{
    if (asked)
        _exit(128 + number);
    asked = 1;
}

void stop_catch(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = note;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool stop_asked(void)
{
    return asked != 0;
}

/* The signals are blocked from the look at `asked` until ppoll() waits, so none falls between. */
bool stop_wait(int64_t deadline_ms)
{
    sigset_t both, before;

    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &both, &before);
    while (!asked && clock_ms() < deadline_ms) {
        int ms = clock_poll_ms(deadline_ms, INT_MAX);
        const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

        (void)ppoll(NULL, 0, &wait, &before);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return asked != 0;
}

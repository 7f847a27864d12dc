// SPDX-License-Identifier: MIT
#include "common/service/signals.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

static sigset_t handled; /* set once by signals_setup() */

void signals_setup(const sigset_t *set)
{
    handled = *set;
    (void)pthread_sigmask(SIG_BLOCK, &handled, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

int signals_wait(int64_t deadline_ms)
{
    for (;;) {
        int ms = clock_poll_ms(deadline_ms, INT_MAX);
        const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
        int number = sigtimedwait(&handled, NULL, &wait);

        if (number > 0)
            return number;
        if (errno == EAGAIN && clock_poll_ms(deadline_ms, 1) == 0)
            return 0;
    }
}

/* Async-signal-safe calls only: main may be in the middle of anything, logging included. */
static void leave_now(int number)
{
    static const char line[] = "stopped at once by a second signal\n";

    (void)number;
    if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
        _exit(1); /* nobody reads it: the same end */
    _exit(1);
}

void signals_exit_on_second(void)
{
    static const int stops[] = {SIGTERM, SIGINT};
    struct sigaction action;
    sigset_t open;

    memset(&action, 0, sizeof action);
    action.sa_handler = leave_now;
    sigemptyset(&open);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        if (sigismember(&handled, stops[i]) == 1 && sigaction(stops[i], &action, NULL) == 0)
            sigaddset(&open, stops[i]);
    (void)pthread_sigmask(SIG_UNBLOCK, &open, NULL);
}

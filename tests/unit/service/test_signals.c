// SPDX-License-Identifier: MIT
#include "common/service/signals.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/suite.h"

/* Signals are of a whole process: each case runs in a child of its own. Its exit code, or 128 + the
 * signal that ended it. */
static int run(int (*child)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(child());
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void setup_stops(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTSTP);
    signals_setup(&set);
}

static int takes_in_turn(void)
{
    int first, second;

    setup_stops();
    kill(getpid(), SIGTERM); /* before anybody waits: it is kept */
    first = signals_wait(CLOCK_NEVER);
    kill(getpid(), SIGTSTP);
    second = signals_wait(clock_ms() + 10000);
    return first == SIGTERM && second == SIGTSTP ? 42 : 1;
}

static void test_taken(void)
{
    CU_ASSERT_EQUAL(run(takes_in_turn), 42);
}

static int waits_in_vain(void)
{
    int64_t deadline = clock_ms() + 30;

    setup_stops();
    return signals_wait(deadline) == 0 && clock_ms() >= deadline && signals_wait(0) == 0 ? 42 : 1;
}

static void test_deadline(void)
{
    CU_ASSERT_EQUAL(run(waits_in_vain), 42);
}

static int stopped_twice(void)
{
    setup_stops();
    kill(getpid(), SIGTERM);
    if (signals_wait(CLOCK_NEVER) != SIGTERM)
        return 2;
    signals_exit_on_second();
    kill(getpid(), SIGTSTP); /* no stop signal: stays blocked */
    kill(getpid(), SIGINT);
    for (;;)
        pause();
}

static void test_second(void)
{
    CU_ASSERT_EQUAL(run(stopped_twice), 1);
}

static int writes_to_nobody(void)
{
    int ends[2];

    setup_stops();
    if (pipe(ends) != 0)
        return 1;
    close(ends[0]);
    return write(ends[1], "x", 1) < 0 ? 42 : 1;
}

static void test_sigpipe(void)
{
    CU_ASSERT_EQUAL(run(writes_to_nobody), 42);
}

static const struct suite_test tests[] = {
    {"signals are kept until they are waited for, and come one by one", test_taken},
    {"waiting for a signal ends at its deadline", test_deadline},
    {"a second stop signal ends the program at once with code 1", test_second},
    {"a write to a closed pipe does not end the program", test_sigpipe},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "signals", tests, SUITE_COUNT(tests), NULL, NULL);
}

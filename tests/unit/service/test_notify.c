// SPDX-License-Identifier: MIT
#include "common/service/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "tests/support/manager.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { SOON_MS = 5000, WATCHDOG_MS = 400 };

static struct tempdir dir;
static struct manager manager;
static struct notify n;
static char path[TEMPDIR_MAX + 16];

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(path, sizeof path, "%s/notify", dir.path);
    CU_ASSERT_EQUAL_FATAL(manager_init(&manager, path), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static void teardown(void)
{
    notify_close(&n);
    manager_fini(&manager);
    tempdir_fini(&dir);
}

static void open_with_watchdog(void)
{
    char usec[24];

    snprintf(usec, sizeof usec, "%d", WATCHDOG_MS * 1000);
    setenv("WATCHDOG_USEC", usec, 1);
    notify_open(&n);
}

static bool silent(void)
{
    return !manager_hears(&manager, 0);
}

static void test_life(void)
{
    notify_open(&n);
    notify_ready(&n);
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    CU_ASSERT(manager_has_line(&manager, "READY=1"));
    notify_stopping(&n, 25000);
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    CU_ASSERT(manager_has_line(&manager, "STOPPING=1"));
    CU_ASSERT(manager_has_line(&manager, "EXTEND_TIMEOUT_USEC=35000000"));
    CU_ASSERT(silent());
}

static void test_status(void)
{
    notify_open(&n);
    notify_status(&n, "%d of %d", 1, 2);
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    CU_ASSERT_STRING_EQUAL(manager.text, "STATUS=1 of 2");
    notify_status(&n, "%d of %d", 1, 2);
    CU_ASSERT(silent());
    notify_status(&n, "bad\nREADY=1");
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    CU_ASSERT_STRING_EQUAL(manager.text, "STATUS=bad");
    notify_status(&n, "%0*d", 2 * NOTIFY_STATUS_MAX, 7);
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    CU_ASSERT_EQUAL(strlen(manager.text), strlen("STATUS=") + NOTIFY_STATUS_MAX - 1);
}

static void test_abstract(void)
{
    char name[64];

    snprintf(name, sizeof name, "@wf-test-notify-%d", (int)getpid());
    manager_fini(&manager);
    CU_ASSERT_EQUAL_FATAL(manager_init(&manager, name), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    notify_open(&n);
    notify_ready(&n);
    CU_ASSERT(manager_hears_line(&manager, "READY=1", SOON_MS));
}

static void test_nobody(void)
{
    static const char *const unusable[] = {"", "/", "@", "relative/path", "vsock:2:1234"};
    char too_long[200] = "/";

    memset(too_long + 1, 'x', sizeof too_long - 2);
    for (size_t i = 0; i <= sizeof unusable / sizeof unusable[0]; i++) {
        setenv("NOTIFY_SOCKET", i == 0 ? too_long : unusable[i - 1], 1);
        open_with_watchdog();
        CU_ASSERT_EQUAL(n.fd, -1);
        CU_ASSERT_EQUAL(notify_next_ms(&n), CLOCK_NEVER);
        notify_ready(&n);
        notify_status(&n, "x");
        notify_alive(&n, NULL, 0);
        notify_stopping(&n, 1);
    }
    CU_ASSERT(silent());
}

static void test_whose_watchdog(void)
{
    static const struct {
        const char *usec, *pid; /* pid: "own" stands for ours */
        int64_t ms;
    } cases[] = {
        {"30000000", "", 30000},
        {"30000000", "own", 30000},
        {"30000000", "1", 0},
        {"30000000", "x", 0},
        {"", "", 0},
        {"x", "", 0},
        {"0", "", 0},
        {"-5", "", 0},
        {"99999", "", 0},
        {"100000", "", 100},
        {"1000000 ", "", 0},
        {"99999999999999999999", "", 0},
    };
    char own[16];

    snprintf(own, sizeof own, "%d", (int)getpid());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", cases[i].usec, 1);
        setenv("WATCHDOG_PID", strcmp(cases[i].pid, "own") == 0 ? own : cases[i].pid, 1);
        notify_open(&n);
        CU_ASSERT_EQUAL(n.watchdog_ms, cases[i].ms);
        notify_close(&n);
    }
}

/* When something happened: not before the one, not after the other. */
struct moment {
    int64_t from_ms, to_ms;
};

/* Looks until a sign of life was heard: `fed` gets when it was given, `not_fed` when main looked
 * last without giving one. */
static bool is_fed(const struct notify_part *part, struct moment *fed, struct moment *not_fed)
{
    int64_t until_ms = clock_ms() + SOON_MS;

    *not_fed = (struct moment){0, 0};
    while (clock_ms() < until_ms) {
        fed->from_ms = clock_ms();
        notify_alive(&n, part, 1);
        fed->to_ms = clock_ms();
        if (manager_hears(&manager, 5)) {
            CU_ASSERT_STRING_EQUAL(manager.text, "WATCHDOG=1");
            return true;
        }
        *not_fed = *fed;
    }
    return false;
}

static void test_fed(void)
{
    const struct notify_part in_time = {"a part", 0};
    struct moment last, fed, not_fed;

    open_with_watchdog();
    last.from_ms = clock_ms();
    notify_ready(&n);
    last.to_ms = clock_ms();
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    CU_ASSERT(manager_has_line(&manager, "WATCHDOG=1"));
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(is_fed(&in_time, &fed, &not_fed));
        CU_ASSERT(fed.to_ms - last.from_ms >= WATCHDOG_MS / 2);     /* not earlier than this, */
        CU_ASSERT(not_fed.from_ms - last.to_ms <= WATCHDOG_MS / 2); /* and at the first look then */
        last = fed;
    }
}

/* A manager that expects nothing for the whole of the watchdog's time must hear nothing. */
static void test_hanging(void)
{
    const struct notify_part parts[] = {{"fine", 0}, {"hangs", WATCHDOG_MS / 2}};
    const struct notify_part late = {"late", WATCHDOG_MS / 2 - 1};
    struct moment fed, not_fed;
    int64_t until_ms, began_ms;

    open_with_watchdog();
    notify_ready(&n);
    CU_ASSERT(manager_hears(&manager, SOON_MS));
    for (until_ms = clock_ms() + 2 * WATCHDOG_MS; clock_ms() < until_ms;) {
        began_ms = clock_ms();
        notify_alive(&n, parts, 2);
        CU_ASSERT(!manager_hears(&manager, 5));
        CU_ASSERT(notify_next_ms(&n) > began_ms); /* main may sleep */
    }
    CU_ASSERT(is_fed(&late, &fed, &not_fed)); /* late, but not by half of the watchdog's time */
}

static bool send_failed(void *arg)
{
    (void)arg;
    notify_alive(&n, NULL, 0);
    return n.failing;
}

static void test_manager_comes_back(void)
{
    const struct notify_part in_time = {"a part", 0};
    struct moment fed, not_fed;

    open_with_watchdog();
    notify_ready(&n);
    manager_fini(&manager);
    CU_ASSERT_EQUAL_FATAL(unlink(path), 0);
    CU_ASSERT(wait_until(send_failed, NULL, SOON_MS));
    CU_ASSERT_EQUAL_FATAL(manager_init(&manager, path), 0);
    CU_ASSERT(is_fed(&in_time, &fed, &not_fed));
    CU_ASSERT(!n.failing);
}

static const struct suite_test tests[] = {
    {"ready and stopping are said, and how long stopping may take", test_life},
    {"a status is one line, and said when it changes", test_status},
    {"an abstract socket is one, too", test_abstract},
    {"without a socket that can be used nothing is said", test_nobody},
    {"the watchdog of another process, and a bad time, are none", test_whose_watchdog},
    {"a sign of life comes every half of the watchdog's time", test_fed},
    {"a part that hangs ends the signs of life until it turns again", test_hanging},
    {"a manager that comes back hears signs of life again", test_manager_comes_back},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "notify", tests, SUITE_COUNT(tests), setup, teardown);
}

// SPDX-License-Identifier: MIT
#include "common/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/sync.h"
#include "tests/support/suite.h"

static FILE *file; /* what standard error is while a test runs */
static int saved_stderr;
static char lines[1 << 20];

static void setup(void)
{
    file = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(file && saved_stderr >= 0);
    dup2(fileno(file), STDERR_FILENO);
    log_setup(LOG_INFO, LOG_TEXT);
}

static void teardown(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    fclose(file);
}

/* All that was logged since the start of the test. */
static const char *logged(void)
{
    size_t n;

    rewind(file);
    n = fread(lines, 1, sizeof lines - 1, file);
    lines[n] = '\0';
    return lines;
}

static void line_has_time_level_and_message(void)
{
    log_info("connected peer=%s:%d", "127.0.0.1", 7419);
    CU_ASSERT_STRING_EQUAL(logged() + strlen("2026-11-21T10:18:00.123Z"),
                           " info  connected peer=127.0.0.1:7419\n");
    CU_ASSERT_EQUAL(lines[10], 'T');
    CU_ASSERT_EQUAL(lines[23], 'Z');
}

static void json_line_is_an_object(void)
{
    log_setup(LOG_INFO, LOG_JSON);
    log_warn("say \"%s\" \\ \n\x01", "hi");
    CU_ASSERT_EQUAL(strncmp(logged(), "{\"time\":\"", 9), 0);
    CU_ASSERT_STRING_EQUAL(
        strchr(lines, ','),
        ",\"level\":\"warn\",\"message\":\"say \\\"hi\\\" \\\\ \\u000a\\u0001\"}\n");
}

static void levels_below_the_threshold_are_silent(void)
{
    static const char *const names[] = {" error ", " warn ", " info ", " debug "};

    for (enum log_level level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (ftruncate(fileno(file), 0) != 0)
            CU_FAIL_FATAL("ftruncate");
        lseek(STDERR_FILENO, 0, SEEK_SET);
        log_setup(level, LOG_TEXT);
        log_error("x");
        log_warn("x");
        log_info("x");
        log_debug("x");
        logged();
        for (enum log_level other = LOG_ERROR; other <= LOG_DEBUG; other++) {
            CU_ASSERT_EQUAL(strstr(lines, names[other]) != NULL, other <= level);
            CU_ASSERT_EQUAL(log_enabled(other) != 0, other <= level);
        }
    }
}

static void line_breaks_do_not_make_new_lines(void)
{
    log_error("one\ntwo\r\x1b[31m");
    CU_ASSERT_PTR_NOT_NULL(strstr(logged(), "one\\x0atwo\\x0d\\x1b[31m\n"));
}

static void long_messages_are_cut(void)
{
    static char text[20000];
    size_t len;

    memset(text, 'y', sizeof text - 1);
    log_error("%s", text);
    len = strlen(logged());
    CU_ASSERT_TRUE(len > 3000 && len < 4400);
    CU_ASSERT_EQUAL(lines[len - 1], '\n');
    memset(text, '\x01', sizeof text - 1); /* each grows to six bytes */
    log_setup(LOG_INFO, LOG_JSON);
    log_error("%s", text);
    logged();
    len = strlen(strchr(lines, '\n') + 1);
    CU_ASSERT_TRUE(len > 3000 && len < 4400);
    CU_ASSERT_STRING_EQUAL(lines + strlen(lines) - 3, "\"}\n");
}

static void errno_is_preserved(void)
{
    close(STDERR_FILENO); /* the write fails with EBADF; teardown brings it back */
    errno = EADDRINUSE;
    log_error("x");
    CU_ASSERT_EQUAL(errno, EADDRINUSE);
}

enum { THREADS = 4, ROUNDS = 500 };

static void *log_many(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        log_info("thread=%d round=%d ......................................", *(int *)arg, i);
    return NULL;
}

static void lines_of_many_threads_stay_whole(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], seen = 0;

    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CU_ASSERT_EQUAL_FATAL(thread_start(&threads[i], "log_many", 0, log_many, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (const char *at = logged(); *at; at += strcspn(at, "\n") + 1, seen++) {
        int thread = -1, round = -1;

        CU_ASSERT_EQUAL_FATAL(sscanf(at, "%*s info thread=%d round=%d", &thread, &round), 2);
        CU_ASSERT_TRUE(thread >= 0 && thread < THREADS && round >= 0 && round < ROUNDS);
    }
    CU_ASSERT_EQUAL(seen, THREADS * ROUNDS);
}

static const struct suite_test tests[] = {
    {"a line has time, level and message", line_has_time_level_and_message},
    {"a JSON line is one object", json_line_is_an_object},
    {"levels below the threshold are silent", levels_below_the_threshold_are_silent},
    {"line breaks in a message make no new lines", line_breaks_do_not_make_new_lines},
    {"long messages are cut", long_messages_are_cut},
    {"errno is preserved even when the line cannot be written", errno_is_preserved},
    {"lines of many threads stay whole", lines_of_many_threads_stay_whole},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "log", tests, SUITE_COUNT(tests), setup, teardown);
}

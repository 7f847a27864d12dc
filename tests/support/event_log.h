// SPDX-License-Identifier: MIT
/*
 * event_log - what happened, in order, written by one thread and waited for by another. A test's
 * server thread records here and the test asserts on it. Any thread.
 */
#ifndef TESTS_SUPPORT_EVENT_LOG_H
#define TESTS_SUPPORT_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_log;

/* A plain value; `text` is valid until the log is freed. */
struct event {
    int64_t at_ms; /* clock_ms() */
    int source;    /* whatever number the writer gave, such as that of a connection */
    const char *text;
};

/* NULL without memory. */
struct event_log *event_log_new(void);
void event_log_free(struct event_log *log);

/* Adds an event with a copy of the text. */
void event_log_add(struct event_log *log, int source, const char *text, size_t len);

/* Is `word` the first word of `text`? "*" is the first word of everything. */
bool event_starts(const char *text, const char *word);

/* How many events start with this word. */
int event_log_count(struct event_log *log, const char *word);

/* The nth (1 ...) event that starts with this word; false when there were fewer. */
bool event_log_get(struct event_log *log, const char *word, int nth, struct event *out);

/* Waits until `count` events start with this word. */
bool event_log_wait(struct event_log *log, const char *word, int count, int64_t timeout_ms);

#endif

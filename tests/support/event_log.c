// SPDX-License-Identifier: MIT
#include "tests/support/event_log.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/sync.h"

enum { FIRST_ROOM = 256, EVENTS_MAX = 1 << 20 }; /* a test that causes more is wrong itself */

struct event_log {
    pthread_mutex_t lock;
    pthread_cond_t added;
    /* guarded by lock */
    struct event *events;
    int count, room;
};

struct event_log *event_log_new(void)
{
    struct event_log *log = calloc(1, sizeof *log);

    if (!log)
        return NULL;
    mutex_init(&log->lock);
    cond_init(&log->added);
    return log;
}

void event_log_free(struct event_log *log)
{
    if (!log)
        return;
    for (int i = 0; i < log->count; i++)
        free((char *)log->events[i].text);
    free(log->events);
    cond_fini(&log->added);
    mutex_fini(&log->lock);
    free(log);
}

static bool grow_locked(struct event_log *log)
{
    int room = log->room ? 2 * log->room : FIRST_ROOM;
    struct event *more;

    if (log->count < log->room)
        return true;
    if (room > EVENTS_MAX || !(more = realloc(log->events, (size_t)room * sizeof *more)))
        return false;
    log->events = more;
    log->room = room;
    return true;
}

void event_log_add(struct event_log *log, int source, const char *text, size_t len)
{
    struct event e = {.at_ms = clock_ms(), .source = source, .text = strndup(text, len)};

    mutex_lock(&log->lock);
    if (!e.text || !grow_locked(log))
        abort(); /* a test that goes on without part of its record could pass wrongly */
    log->events[log->count++] = e;
    cond_broadcast(&log->added);
    mutex_unlock(&log->lock);
}

bool event_starts(const char *text, const char *word)
{
    size_t n = strlen(word);

    if (strcmp(word, "*") == 0)
        return true;
    return strncmp(text, word, n) == 0 && (text[n] == '\0' || text[n] == ' ');
}

/* The nth event with this word, or NULL; *count (may be NULL) gets how many there are. */
static const struct event *find_locked(struct event_log *log, const char *word, int nth, int *count)
{
    const struct event *found = NULL;
    int n = 0;

    for (int i = 0; i < log->count; i++)
        if (event_starts(log->events[i].text, word) && ++n == nth)
            found = &log->events[i];
    if (count)
        *count = n;
    return found;
}

int event_log_count(struct event_log *log, const char *word)
{
    int count;

    mutex_lock(&log->lock);
    find_locked(log, word, 0, &count);
    mutex_unlock(&log->lock);
    return count;
}

bool event_log_get(struct event_log *log, const char *word, int nth, struct event *out)
{
    const struct event *found;

    mutex_lock(&log->lock);
    if ((found = find_locked(log, word, nth, NULL)) != NULL)
        *out = *found;
    mutex_unlock(&log->lock);
    return found != NULL;
}

bool event_log_wait(struct event_log *log, const char *word, int count, int64_t timeout_ms)
{
    int64_t deadline = clock_ms() + timeout_ms;
    bool in_time = true;
    int seen;

    mutex_lock(&log->lock);
    for (;;) {
        find_locked(log, word, 0, &seen);
        if (seen >= count || !in_time)
            break;
        in_time = cond_wait_until(&log->added, &log->lock, deadline);
    }
    mutex_unlock(&log->lock);
    return seen >= count;
}

// SPDX-License-Identifier: MIT
#include "api/queues.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/sync.h"
#include "common/faktory/job.h"

enum { QUEUES_MAX = 64 };

struct queue {
    char name[JOB_QUEUE_NAME_MAX + 1];
    atomic_bool exists;
};

struct queues {
    const char *list; /* immutable, like n and the names */
    int n;
    struct queue all[QUEUES_MAX];

    pthread_mutex_t lock;
    /* guarded by lock */
    unsigned creating;
    bool polling;
    struct queues_creation *held, **held_tail;
};

/* ---- the list ---- */

/* Cuts the next name out of the list; false at its end. A name that is too long is cut, which the
 * caller sees by its length. */
static bool next_name(const char **list, char name[JOB_QUEUE_NAME_MAX + 2])
{
    size_t len;

    if (!*list)
        return false;
    len = strcspn(*list, ",");
    memcpy(name, *list, len <= JOB_QUEUE_NAME_MAX ? len : JOB_QUEUE_NAME_MAX + 1);
    name[len <= JOB_QUEUE_NAME_MAX ? len : JOB_QUEUE_NAME_MAX + 1] = '\0';
    *list = (*list)[len] == ',' ? *list + len + 1 : NULL;
    return true;
}

static int complain(struct buf *expected, const char *sentence)
{
    buf_add_str(expected, sentence);
    return ERR_INVALID;
}

/* Adds a name to q; the list is short, so looking for doubles is quick. */
static int add_name(struct queues *q, const char *name, struct buf *expected)
{
    struct err_text why;
    static const char lead[] = "expected ";

    if (job_check_queue_name(name, &why) != 0) {
        bool led = strncmp(why.text, lead, sizeof lead - 1) == 0; /* env.c says it already */

        return complain(expected, led ? why.text + sizeof lead - 1 : why.text);
    }
    if (queues_find(q, name) >= 0)
        return complain(expected, "each queue once");
    if (q->n == QUEUES_MAX)
        return complain(expected, "at most 64 queues");
    memcpy(q->all[q->n++].name, name, strlen(name) + 1);
    return 0;
}

static int read_list(struct queues *q, const char *list, struct buf *expected)
{
    char name[JOB_QUEUE_NAME_MAX + 2];

    while (next_name(&list, name))
        if (add_name(q, name, expected) != 0)
            return ERR_INVALID;
    return 0;
}

int queues_check(const char *list, struct buf *expected)
{
    struct queues *q = calloc(1, sizeof *q);
    int code = q ? read_list(q, list, expected) : complain(expected, "more memory");

    free(q);
    return code;
}

struct queues *queues_new(const char *list)
{
    struct queues *q = calloc(1, sizeof *q);
    struct buf unwanted = BUF_INIT(0);

    if (!q || read_list(q, list, &unwanted) != 0) {
        buf_fini(&unwanted);
        free(q);
        return NULL;
    }
    q->list = list;
    q->held_tail = &q->held;
    mutex_init(&q->lock);
    return q;
}

void queues_free(struct queues *q)
{
    if (!q)
        return;
    mutex_fini(&q->lock);
    free(q);
}

int queues_count(const struct queues *q)
{
    return q->n;
}

int queues_find(const struct queues *q, const char *name)
{
    for (int i = 0; i < q->n; i++)
        if (strcmp(q->all[i].name, name) == 0)
            return i;
    return -1;
}

const char *queues_name(const struct queues *q, int index)
{
    return q->all[index].name;
}

int queues_default(const struct queues *q)
{
    int index = queues_find(q, "default");

    return index >= 0 ? index : 0;
}

const char *queues_list(const struct queues *q)
{
    return q->list;
}

/* ---- what exists ---- */

bool queues_exists(const struct queues *q, int index)
{
    return atomic_load_explicit(&q->all[index].exists, memory_order_relaxed);
}

void queues_note_exists(struct queues *q, int index)
{
    atomic_store_explicit(&q->all[index].exists, true, memory_order_relaxed);
}

void queues_learn(struct queues *q, struct json_slice info_queues)
{
    for (int i = 0; i < q->n; i++) {
        bool listed = json_member(info_queues, q->all[i].name).len > 0;

        atomic_store_explicit(&q->all[i].exists, listed, memory_order_relaxed);
    }
}

void queues_forget(struct queues *q)
{
    for (int i = 0; i < q->n; i++)
        atomic_store_explicit(&q->all[i].exists, false, memory_order_relaxed);
}

/* ---- one at a time ---- */

void queues_begin_create(struct queues *q, struct queues_creation *c)
{
    bool now;

    mutex_lock(&q->lock);
    now = !q->polling;
    if (now)
        q->creating++;
    else {
        c->next = NULL;
        *q->held_tail = c;
        q->held_tail = &c->next;
    }
    mutex_unlock(&q->lock);
    if (now)
        c->go(c);
}

void queues_end_create(struct queues *q)
{
    mutex_lock(&q->lock);
    q->creating--;
    mutex_unlock(&q->lock);
}

bool queues_begin_poll(struct queues *q)
{
    bool now;

    mutex_lock(&q->lock);
    now = q->creating == 0 && !q->polling;
    if (now)
        q->polling = true;
    mutex_unlock(&q->lock);
    return now;
}

void queues_end_poll(struct queues *q)
{
    struct queues_creation *c, *next;

    mutex_lock(&q->lock);
    q->polling = false;
    c = q->held;
    q->held = NULL;
    q->held_tail = &q->held;
    for (next = c; next; next = next->next)
        q->creating++;
    mutex_unlock(&q->lock);
    for (; c; c = next) {
        next = c->next; /* go() may free it */
        c->go(c);
    }
}

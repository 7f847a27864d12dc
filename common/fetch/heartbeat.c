// SPDX-License-Identifier: MIT
#include "common/fetch/heartbeat.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/sync.h"
#include "common/faktory/link.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

enum { BEAT_EVERY_MS = 10000, BEAT_RETRY_MS = 1000 };

static const char *const state_names[] = {
    [CONSUMER_RUN] = "", [CONSUMER_QUIET] = "quiet", [CONSUMER_TERMINATE] = "terminate"};

struct heartbeat {
    struct heartbeat_options options; /* immutable */
    struct link *link;                /* immutable after start */

    pthread_mutex_t lock;
    /* guarded by lock; `command` and `line` are the link's while `beating` */
    struct link_command command; /* one BEAT at a time */
    struct buf line;
    bool beating;
    bool away; /* said so, until there is a connection */
    int64_t sent_us, due_ms, heard_ms, rtt_us;
    enum consumer_wish state, wished;
};

static long rss_kb(void)
{
    char text[128];
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fgets(text, sizeof text, f)) {
        char *second = strchr(text, ' ');

        pages = second ? strtoul(second, NULL, 10) : 0;
    }
    fclose(f);
    return (long)pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void write_beat_locked(struct heartbeat *h)
{
    buf_clear(&h->line);
    buf_add_str(&h->line, "BEAT {\"wid\":");
    json_write_cstr(&h->line, h->options.identity->wid);
    if (h->state != CONSUMER_RUN)
        buf_addf(&h->line, ",\"current_state\":\"%s\"", state_names[h->state]);
    buf_addf(&h->line, ",\"rss_kb\":%ld}\r\n", rss_kb());
}

/* "unknown worker": case and words around it have changed between versions. */
static bool says_unknown_worker(const struct resp_reply *reply)
{
    char text[64] = "";

    if (reply->kind != RESP_ERROR)
        return false;
    for (size_t i = 0; i < reply->len && i + 1 < sizeof text; i++)
        text[i] = (char)tolower((unsigned char)reply->text[i]);
    return strstr(text, "unknown worker") != NULL;
}

/* {"state":"quiet"} -> CONSUMER_QUIET */
static enum consumer_wish read_wish(const struct resp_reply *reply)
{
    struct json_slice root, state;

    if (reply->kind != RESP_BULK || json_check(reply->text, reply->len, &root, NULL) != 0 ||
        json_type(root) != JSON_OBJECT)
        return CONSUMER_RUN;
    state = json_member(root, "state");
    for (int wish = CONSUMER_QUIET; wish <= CONSUMER_TERMINATE; wish++)
        if (json_string_is(state, state_names[wish]))
            return (enum consumer_wish)wish;
    return CONSUMER_RUN;
}

/* A wish is passed on once: Faktory repeats it with every BEAT. */
static void on_beat_answer(struct heartbeat *h, const struct resp_reply *reply)
{
    enum consumer_wish wish = read_wish(reply);
    bool news;

    mutex_lock(&h->lock);
    news = wish > h->wished && wish > h->state;
    if (news)
        h->wished = wish;
    mutex_unlock(&h->lock);
    if (news && h->options.wished)
        h->options.wished(h->options.wished_ctx, wish);
    if (says_unknown_worker(reply)) {
        log_warn("Faktory has forgotten this worker: introducing it again");
        link_renew(h->link);
    }
}

static void beat_done(struct link_command *command, enum link_fate fate,
                      const struct resp_reply *reply, const char *why)
{
    struct heartbeat *h =
        (struct heartbeat *)((char *)command - offsetof(struct heartbeat, command));
    bool answered = fate == LINK_ANSWERED;
    int64_t rtt_us, due_ms;

    (void)why;
    mutex_lock(&h->lock);
    h->beating = false;
    rtt_us = clock_us() - h->sent_us;
    if (answered) {
        h->heard_ms = clock_ms();
        h->rtt_us = rtt_us;
    } else
        h->due_ms = clock_ms() + BEAT_RETRY_MS;
    due_ms = h->due_ms;
    mutex_unlock(&h->lock);
    if (!answered) {
        h->options.tick_at(h->options.tick_ctx, due_ms);
        return;
    }
    h->options.round_trip(h->options.round_trip_ctx, rtt_us);
    on_beat_answer(h, reply);
}

int64_t heartbeat_tick(struct heartbeat *h, int64_t now_ms)
{
    bool send = false;
    int64_t next;

    mutex_lock(&h->lock);
    if (h->due_ms <= now_ms && h->beating)
        h->due_ms = now_ms + BEAT_RETRY_MS; /* the last one is still out */
    else if (h->due_ms <= now_ms && !link_is_up(h->link))
        h->due_ms = now_ms + BEAT_EVERY_MS; /* beat_state() calls for it earlier */
    else if (h->due_ms <= now_ms) {
        write_beat_locked(h);
        h->command = (struct link_command){.text = h->line.data,
                                           .len = h->line.len,
                                           .deadline_ms = CLOCK_NEVER,
                                           .done = beat_done};
        send = !h->line.failed;
        h->beating = send;
        h->sent_us = clock_us();
        h->due_ms = now_ms + BEAT_EVERY_MS;
    }
    next = h->due_ms;
    mutex_unlock(&h->lock);
    if (send && !link_submit(h->link, &h->command))
        beat_done(&h->command, LINK_UNSENT, NULL, "stopping");
    return next;
}

void heartbeat_set_state(struct heartbeat *h, enum consumer_wish state)
{
    mutex_lock(&h->lock);
    if (state > h->state)
        h->state = state;
    h->due_ms = 0;
    mutex_unlock(&h->lock);
}

/* The first BEAT goes out as soon as there is a connection: it tells the round trip. */
static void beat_state(void *ctx, bool up, const char *why)
{
    struct heartbeat *h = ctx;
    bool news;

    mutex_lock(&h->lock);
    news = !up && !h->away;
    h->away = !up;
    if (up)
        h->due_ms = 0;
    mutex_unlock(&h->lock);
    if (news)
        log_warn("Faktory is away, trying until it is back why=\"%s\"", why);
    h->options.on_state(h->options.state_ctx, up);
    if (up)
        h->options.tick_at(h->options.tick_ctx, 0);
}

struct heartbeat *heartbeat_new(const struct heartbeat_options *options)
{
    struct heartbeat *h = calloc(1, sizeof *h);
    struct link_options o = {.name = "beat",
                             .settings = options->settings,
                             .identity = options->identity,
                             .window = 1,
                             .on_state = beat_state,
                             .ctx = h};

    if (!h)
        return NULL;
    h->options = *options;
    mutex_init(&h->lock);
    if (!(h->link = link_new(&o))) {
        heartbeat_free(h);
        return NULL;
    }
    return h;
}

int heartbeat_start(struct heartbeat *h)
{
    return link_start(h->link);
}

void heartbeat_finish(struct heartbeat *h, int64_t deadline_ms)
{
    link_finish(h->link, deadline_ms);
}

void heartbeat_join(struct heartbeat *h)
{
    link_join(h->link);
}

void heartbeat_free(struct heartbeat *h)
{
    if (!h)
        return;
    link_free(h->link);
    buf_fini(&h->line);
    mutex_fini(&h->lock);
    free(h);
}

bool heartbeat_is_up(const struct heartbeat *h)
{
    return link_is_up(h->link);
}

unsigned long heartbeat_reconnects(const struct heartbeat *h)
{
    return link_reconnects(h->link);
}

int64_t heartbeat_rtt_us(struct heartbeat *h)
{
    int64_t rtt_us;

    mutex_lock(&h->lock);
    rtt_us = h->rtt_us;
    mutex_unlock(&h->lock);
    return rtt_us;
}

int64_t heartbeat_heard_ms(struct heartbeat *h)
{
    int64_t heard_ms;

    mutex_lock(&h->lock);
    heard_ms = h->heard_ms;
    mutex_unlock(&h->lock);
    return heard_ms;
}

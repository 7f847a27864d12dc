// SPDX-License-Identifier: MIT
#include "tools/wf/status.h"

#include <stdio.h>

#include "tools/wf/shown.h"

enum { LABEL_WIDTH = 10 };

/* Numbers that stand on one line: "waiting 0, in flight 0". */
struct number {
    const char *name, *label;
};

static const struct number jobs[] = {{"stored", "stored"}, {"refused", "refused"}, {"away", "away"},
                                     {"late", "late"},     {"unknown", "unknown"}, {NULL, NULL}};
static const struct number queue[] = {
    {"waiting", "waiting"}, {"in_flight", "in flight"}, {"max", "at most"}, {NULL, NULL}};
static const struct number connections[] = {{"up", "up"},
                                            {"max", "at most"},
                                            {"reconnects", "reconnects"},
                                            {"push_ms", "ms a push about"},
                                            {NULL, NULL}};
static const struct number sets[] = {
    {"total_enqueued", "enqueued"}, {"working", "working"}, {"scheduled", "scheduled"},
    {"retries", "retries"},         {"dead", "dead"},       {NULL, NULL}};
static const struct number totals[] = {{"total_processed", "processed"},
                                       {"total_failures", "failures"},
                                       {"connections", "connections"},
                                       {NULL, NULL}};

static void print_numbers(const struct out *o, const char *label, struct json_slice from,
                          const struct number *numbers)
{
    char text[SHOWN_MAX];

    out_text(o, "  %-*s", LABEL_WIDTH + 2, label);
    for (const struct number *n = numbers; n->name; n++)
        out_text(o, "%s%s %s", n > numbers ? ", " : "", n->label,
                 shown_member(from, n->name, text));
    out_text(o, "\n");
}

static struct json_slice part(struct json_slice object, const char *name)
{
    return json_type(object) == JSON_OBJECT ? json_member(object, name)
                                            : (struct json_slice){NULL, 0};
}

/* "API  http://...  ready" */
static void print_head(const struct out *o, const char *what, const char *where, bool well,
                       const char *state)
{
    out_text(o, "%s%-*s%s  %s  %s%s%s\n", out_on(o, OUT_BOLD), LABEL_WIDTH, what, out_off(o), where,
             out_on(o, well ? OUT_GREEN : OUT_RED), state, out_off(o));
}

static void print_version(const struct out *o, struct json_slice from)
{
    struct buf version = BUF_INIT(0);
    char up[SHOWN_MAX];

    (void)json_read_string(part(from, "version"), &version);
    out_text(o, "  %-*s%s, up %s\n", LABEL_WIDTH + 2, "version", buf_str(&version),
             shown_seconds(shown_int(from, "uptime_seconds", 0), up));
    buf_fini(&version);
}

static void print_queues(const struct out *o, struct json_slice queues)
{
    struct json_iter it;
    struct json_slice name, size;

    if (json_type(queues) != JSON_OBJECT)
        return;
    for (it = json_iter(queues); json_next_member(&it, &name, &size);)
        out_text(o, "  %-*s%.*s %.*s\n", LABEL_WIDTH + 2, "queue", (int)name.len - 2, name.at + 1,
                 (int)size.len, size.at);
}

void status_print(const struct snapshot *s, const struct wf *wf)
{
    const struct out *o = &wf->out;
    char url[URL_SHOWN_MAX];

    url_redacted(&wf->settings.faktory.url, url);
    print_head(o, "API", wf->settings.api_url, s->ready, s->ready ? "ready" : s->api_why.text);
    if (json_type(s->stats) == JSON_OBJECT) {
        print_version(o, s->stats);
        print_numbers(o, "jobs", part(s->stats, "jobs"), jobs);
        print_numbers(o, "queue", part(s->stats, "queue"), queue);
        print_numbers(o, "connections", part(s->stats, "connections"), connections);
    }
    print_head(o, "Faktory", s->faktory && !s->direct ? "(as the API sees it)" : url, s->faktory,
               s->faktory ? "answers" : s->faktory_why.text);
    if (!s->faktory)
        return;
    print_version(o, s->numbers);
    print_numbers(o, "jobs", s->numbers, sets);
    print_numbers(o, "so far", s->numbers, totals);
    print_queues(o, part(s->numbers, "queues"));
}

// SPDX-License-Identifier: MIT
/* wf watch - status again and again: redrawn on a terminal, a line each time elsewhere. */
#include <stdio.h>
#include <time.h>

#include "common/base/clock.h"
#include "tools/wf/commands.h"
#include "tools/wf/shown.h"
#include "tools/wf/snapshot.h"
#include "tools/wf/status.h"
#include "tools/wf/stop.h"
#include "tools/wf/wf.h"

enum { INTERVAL_MS = 2000, INTERVAL_LEAST_MS = 1000, INTERVAL_MOST_MS = 3600000, HEAD_EVERY = 20 };

/* A counter that grows, and how fast. It is looked at whenever it may have been refreshed: `mark`
 * says so by being another one than before. */
struct speed {
    int64_t value, mark, at_ms;
    double per_s; /* < 0: not known yet */
};

static void speed_look(struct speed *v, int64_t value, int64_t mark)
{
    int64_t now = clock_ms();

    if (value < 0 || (v->at_ms > 0 && mark == v->mark))
        return;
    v->per_s = v->at_ms > 0 && now > v->at_ms && value >= v->value
                   ? (double)(value - v->value) * 1000 / (double)(now - v->at_ms)
                   : -1;
    v->value = value;
    v->mark = mark;
    v->at_ms = now;
}

static const char *speed_shown(const struct speed *v, char out[SHOWN_MAX])
{
    if (v->per_s < 0)
        snprintf(out, SHOWN_MAX, "-");
    else
        snprintf(out, SHOWN_MAX, "%.0f", v->per_s);
    return out;
}

struct watch {
    struct wf *wf;
    struct snapshot now;
    struct speed stored, processed;
    int64_t seen; /* how many snapshots */
};

static void look(struct watch *w)
{
    struct json_slice jobs = {NULL, 0};

    snapshot_take(&w->now, w->wf);
    w->seen++;
    if (json_type(w->now.stats) == JSON_OBJECT)
        jobs = json_member(w->now.stats, "jobs");
    speed_look(&w->stored, shown_int(jobs, "stored", -1), w->seen);
    /* Faktory counts the INFO itself, so its command count tells a new answer from a shared one. */
    speed_look(&w->processed, shown_int(w->now.numbers, "total_processed", -1),
               shown_int(w->now.numbers, "command_count", 0));
}

static const char *const columns[] = {"total_enqueued", "working", "scheduled", "retries", "dead"};

static void print_line(struct watch *w)
{
    const struct out *o = &w->wf->out;
    char at[CLOCK_RFC3339_MAX], text[SHOWN_MAX];

    if (w->seen % HEAD_EVERY == 1)
        out_text(o, "%-8s %9s %9s %9s %9s %9s %9s %9s %6s\n", "time", "stored/s", "done/s",
                 "enqueued", "working", "scheduled", "retries", "dead", "state");
    clock_rfc3339(w->now.wall_ms, at);
    out_text(o, "%.8s %9s", at + 11, speed_shown(&w->stored, text));
    out_text(o, " %9s", speed_shown(&w->processed, text));
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        out_text(o, " %9s", shown_member(w->now.numbers, columns[i], text));
    out_text(o, " %6s\n", !w->now.api ? "no API" : !w->now.ready ? "wait" : "ready");
}

static void redraw(struct watch *w)
{
    const struct out *o = &w->wf->out;
    char at[CLOCK_RFC3339_MAX], text[SHOWN_MAX];

    clock_rfc3339(w->now.wall_ms, at);
    out_text(o, "\033[H\033[J%s   stored/s %s", at, speed_shown(&w->stored, text));
    out_text(o, "   done/s %s\n\n", speed_shown(&w->processed, text));
    status_print(&w->now, w->wf);
}

static void show(struct watch *w)
{
    struct buf json = BUF_INIT(0);

    if (w->wf->out.json) {
        snapshot_json(&w->now, w->wf, &json);
        out_json(&w->wf->out, &json);
    } else if (w->wf->out.terminal)
        redraw(w);
    else
        print_line(w);
    (void)fflush(stdout);
    buf_fini(&json);
}

int cmd_watch(struct wf *wf, int argc, char **argv)
{
    struct watch w = {.wf = wf, .stored.per_s = -1, .processed.per_s = -1};
    int64_t interval_ms = INTERVAL_MS, count = 0, next_ms = clock_ms();
    struct err_text why;
    int code;

    (void)argc, (void)argv;
    if (args_ms(&wf->args, "interval", INTERVAL_LEAST_MS, INTERVAL_MOST_MS, &interval_ms, &why) !=
            0 ||
        args_int(&wf->args, "count", 1, INT32_MAX, &count, &why) != 0)
        return wf_wrong(wf, "%s", why.text);
    stop_catch();
    do {
        look(&w);
        show(&w);
        next_ms += interval_ms;
        if (next_ms < clock_ms()) /* asking took longer than that */
            next_ms = clock_ms() + interval_ms;
    } while (!stop_asked() && w.seen != count && !ferror(stdout) && !stop_wait(next_ms));
    code = count > 0 && !stop_asked() ? snapshot_code(&w.now) : WF_DONE;
    snapshot_fini(&w.now);
    return code;
}

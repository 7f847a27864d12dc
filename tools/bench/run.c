// SPDX-License-Identifier: MIT
#include "tools/bench/run.h"

#include <stdio.h>
#include <string.h>

#include "tools/bench/contest.h"

static bool wanted(const struct run_options *o, const struct scenario *s, unsigned plans)
{
    size_t len = strlen(s->group);

    if (!(s->plans & plans))
        return false;
    for (const char *at = o->only; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, s->group, len) == 0 && strchr(",", at[len]))
            return true;
    return !o->only;
}

/* Half of what the last flat-out run of the API reached, where a task says so. */
static struct task resolve(const struct scenario *s, const struct figures *f)
{
    struct task t = s->task;

    for (size_t i = f->n; t.rate < 0 && i-- > 0;)
        if (strcmp(f->rows[i].what, "api") == 0 && f->rows[i].size == t.size)
            t.rate = -t.rate * f->rows[i].figure[FIG_RATE];
    return t;
}

static bool run_one(struct bench *b, const struct scenario *s, const struct plan_link *link,
                    struct figures *f)
{
    struct task task = resolve(s, f);
    struct err_text why = {""};
    struct row row;
    char now[120];

    row_init(&row);
    snprintf(row.what, sizeof row.what, "%s", s->what);
    snprintf(row.who, sizeof row.who, "%s", s->who);
    snprintf(row.link, sizeof row.link, "%s", link->name);
    row.rtt_ms = link->rtt_ms;
    row.size = task.workers > 0 ? task.workers : task.size;
    snprintf(now, sizeof now, "%s %s %u %s", row.what, row.who, row.size, row.link);
    bench_now(now);
    if (s->run(b, &task, &row, &why) != 0)
        snprintf(row.why, sizeof row.why, "%s", why.text[0] ? why.text : "no reason given");
    bench_line_end();
    if (bench_stopped())
        return false;
    figures_print_row(stderr, &row);
    figures_add(f, &row);
    return !row.why[0];
}

/* The scenarios of one group, in order and backwards by turns. */
static bool run_group(struct bench *b, const struct run_options *o, const char *group,
                      unsigned plans, unsigned round, const struct plan_link *link,
                      struct figures *f)
{
    /* the api group stays in order: its rows need the ones before them */
    bool backwards = round % 2 == 1 && strcmp(group, "api") != 0;
    bool good = true;

    for (size_t k = 0; k < plan_scenarios_n && !bench_stopped(); k++) {
        const struct scenario *s = &plan_scenarios[backwards ? plan_scenarios_n - 1 - k : k];

        if (s->plans & PLAN_ONCE && round > 0)
            continue;
        if (strcmp(s->group, group) == 0 && wanted(o, s, plans) && contest_has(b, s->who))
            good = run_one(b, s, link, f) && good;
    }
    return good;
}

bool run_plan(struct bench *b, const struct run_options *o, unsigned plans, unsigned round,
              const struct plan_link *link, struct figures *f)
{
    bool good = true;

    for (size_t i = 0; i < plan_scenarios_n && !bench_stopped(); i++) {
        const char *group = plan_scenarios[i].group;
        size_t first = 0;

        while (strcmp(plan_scenarios[first].group, group) != 0)
            first++;
        if (first == i)
            good = run_group(b, o, group, plans, round, link, f) && good;
    }
    return good;
}

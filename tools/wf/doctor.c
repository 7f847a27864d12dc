// SPDX-License-Identifier: MIT
/* The list of what the checks find. */
#include "tools/wf/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM_FIRST = 16, FINDINGS_MAX = 1024 };

/* Room for one more, or the place where findings go that cannot be kept. */
static struct doctor_finding *next(struct doctor_report *r)
{
    if (r->n == r->room && r->n < FINDINGS_MAX) {
        size_t room = r->room > 0 ? 2 * r->room : ROOM_FIRST;
        struct doctor_finding *more = realloc(r->findings, room * sizeof *more);

        if (more) {
            r->findings = more;
            r->room = room;
        }
    }
    if (r->n < r->room)
        return &r->findings[r->n++];
    r->failed = true;
    return &r->spill;
}

struct doctor_finding *doctor_found(struct doctor_report *r, enum doctor_level level,
                                    const char *fmt, ...)
{
    struct doctor_finding *f = next(r);
    va_list args;

    f->check = r->check;
    f->level = level;
    f->change[0] = '\0';
    va_start(args, fmt);
    vsnprintf(f->found, sizeof f->found, fmt, args);
    va_end(args);
    return f;
}

void doctor_change(struct doctor_finding *f, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(f->change, sizeof f->change, fmt, args);
    va_end(args);
}

enum doctor_level doctor_worst(const struct doctor_report *r)
{
    enum doctor_level worst = DOCTOR_OK;

    for (size_t i = 0; i < r->n; i++)
        if (r->findings[i].level > worst)
            worst = r->findings[i].level;
    return worst;
}

void doctor_report_fini(struct doctor_report *r)
{
    free(r->findings);
    *r = (struct doctor_report){0};
}

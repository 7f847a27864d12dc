// SPDX-License-Identifier: MIT
/* The check of the API, which was asked GET /ready. */
#include "tools/wf/doctor.h"

void doctor_check_api(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct doctor_api *a = &facts->api;
    struct doctor_finding *f;

    if (a->status == 200) {
        doctor_found(r, DOCTOR_OK, "The API answers at %s and is ready.", a->url);
        return;
    }
    if (a->status == 0) {
        /* where nobody said that there is one, there may be none, and rightly so */
        f = doctor_found(r, a->named ? DOCTOR_BROKEN : DOCTOR_ADVICE, "No API: %s.", a->why);
        doctor_change(f, "Start api-service, or let WF_API_URL or --api say where it is "
                         "(BIND_ADDR is where it listens: its own machine only, unless told "
                         "otherwise). --skip api where there is none.");
        return;
    }
    f = doctor_found(r, DOCTOR_BROKEN, "The API at %s answers GET /ready with %d: %s", a->url,
                     a->status, a->why);
    if (a->status == 503)
        doctor_change(f, "It runs and has no Faktory: compare its FAKTORY_URL with this one, and "
                         "look at its log.");
    else
        doctor_change(f, "Is that api-service? Let WF_API_URL or --api say where it is.");
}

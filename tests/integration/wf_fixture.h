// SPDX-License-Identifier: MIT
/*
 * wf_fixture - runs wf as a user would, in tests: one command, its exit code, what it printed. The
 * environment has none of the tester's own settings (see services.h).
 */
#ifndef TESTS_INTEGRATION_WF_FIXTURE_H
#define TESTS_INTEGRATION_WF_FIXTURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/faktory_server.h"
#include "tests/support/services.h"
#include "tests/support/suite.h"

enum { WF_RUN_MS = 60000 };

/* What the last one printed, on both its outputs. */
static char wf_said[16384];

/* Runs `wf args...` (NULL at the end) with FAKTORY_URL=url (NULL: unset) and `env` (may be NULL).
 * Its exit code, or -1. */
__attribute__((unused)) static int wf_run(const char *url, const char *const *env,
                                          const char *const *args)
{
    struct err_text why = {""};
    struct service *s = service_start("wf", args, url, env, &why);
    int status = -1;
    char *text;

    wf_said[0] = '\0';
    if (!s) {
        printf("wf cannot be started: %s\n", why.text);
        return -1;
    }
    if (process_wait(service_process(s), WF_RUN_MS, &status) != 0)
        status = -1;
    text = process_output(service_process(s));
    snprintf(wf_said, sizeof wf_said, "%s", text ? text : "");
    free(text);
    service_free(s);
    return status;
}

/* Runs checks of wf doctor ("clock,threads"); its exit code. */
__attribute__((unused)) static int wf_doctor(const char *url, const char *check,
                                             const char *const *env)
{
    const char *args[] = {"doctor", "--only", check, NULL};

    return wf_run(url, env, args);
}

/* Copies text with every run of white space as one blank: wf wraps what it says. */
__attribute__((unused)) static void wf_unwrap(char *out, size_t room, const char *text)
{
    size_t n = 0;

    for (; *text && n + 1 < room; text++) {
        bool blank = *text == ' ' || *text == '\n' || *text == '\r';

        if (!blank || (n > 0 && out[n - 1] != ' '))
            out[n++] = blank ? ' ' : *text;
    }
    out[n] = '\0';
}

/* True when the text is in what it printed, wrapped or not; shows all of it when it is not. */
__attribute__((unused)) static bool wf_says(const char *text)
{
    static char flat[sizeof wf_said], wanted[512];
    bool found;

    wf_unwrap(flat, sizeof flat, wf_said);
    wf_unwrap(wanted, sizeof wanted, text);
    found = strstr(flat, wanted) != NULL;
    if (!found)
        printf("\"%s\" is not in:\n%s\n", text, wf_said);
    return found;
}

#endif

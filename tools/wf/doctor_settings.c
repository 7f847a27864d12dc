// SPDX-License-Identifier: MIT
/*
 * The settings of both services, read here and now through their own tables, so that what is said
 * about a value is what the service itself would say.
 */
#include <stdlib.h>
#include <string.h>

#include "common/config/env.h"
#include "tools/wf/doctor.h"
#include "tools/wf/settings.h"

extern char **environ;

enum { NAME_MAX_BYTES = 48, SLIPS_MAX = 2 };

/* ---- names that are nearly those of settings ---- */

static bool is_known(const char *name)
{
    /* Faktory's own, which have our prefix. */
    static const char *const faktory[] = {"FAKTORY_PROVIDER", "FAKTORY_ENV",
                                          "FAKTORY_SKIP_PASSWORD", "FAKTORY_BIN"};

    for (size_t i = 0; i < sizeof faktory / sizeof faktory[0]; i++)
        if (strcmp(faktory[i], name) == 0)
            return true;
    return false;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* How many letters must be changed, added or taken away to make one name of the other. */
static size_t slips(const char *a, const char *b)
{
    size_t n = strlen(b), row[NAME_MAX_BYTES + 1];

    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t above = row[j + 1];

            row[j + 1] = smallest(row[j] + 1, above + 1, corner + (a[i] != b[j]));
            corner = above;
        }
    }
    return row[n];
}

static const char *nearest(const char *name, const struct env_var *vars, size_t n, size_t *least)
{
    const char *found = NULL;

    for (size_t i = 0; i < n; i++) {
        size_t far = strlen(vars[i].name) <= NAME_MAX_BYTES ? slips(name, vars[i].name) : *least;

        if (far < *least) {
            *least = far;
            found = vars[i].name;
        }
    }
    return found;
}

/* A variable that is no setting but nearly one: it was meant to be, and has no effect. */
static void look_at_name(const char *name, struct buf *typos)
{
    const struct {
        const struct env_var *vars;
        size_t n;
    } tables[] = {{worker_program.vars, worker_program.n_vars},
                  {api_program.vars, api_program.n_vars},
                  {settings_vars, settings_vars_n}};
    const char *meant = NULL;
    size_t least = SLIPS_MAX + 1;

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const char *near = nearest(name, tables[i].vars, tables[i].n, &least);

        meant = near ? near : meant;
    }
    if (strcmp(name, "FAKTORY_PASSWORD_FILE") == 0) /* other images have such a pair of variables */
        meant = "FAKTORY_PASSWORD=/path/of/the/file";
    if (meant && least > 0 && !is_known(name))
        buf_addf(typos, "%s %s\n", name, meant);
}

static void look_at_names(struct buf *typos)
{
    for (char **at = environ; at && *at; at++) {
        size_t len = strcspn(*at, "=");
        char name[NAME_MAX_BYTES + 1];

        if (len == 0 || len > NAME_MAX_BYTES)
            continue;
        memcpy(name, *at, len);
        name[len] = '\0';
        look_at_name(name, typos);
    }
}

/* ---- both tables ---- */

/* Settings that both services have are read twice, and complained about once. */
static void add_new_lines(struct buf *out, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n") + 1;

        if (!out->data || !memmem(out->data, out->len, lines, len))
            buf_add(out, lines, len);
        lines += len;
    }
}

void doctor_gather_settings(struct doctor_settings *s)
{
    struct buf errors = BUF_INIT(0);

    program_read(&worker_program, &s->worker, &s->errors);
    program_read(&api_program, &s->api, &errors);
    add_new_lines(&s->errors, buf_str(&errors));
    buf_fini(&errors);
    look_at_names(&s->typos);
}

void doctor_fini_settings(struct doctor_settings *s)
{
    buf_fini(&s->errors);
    buf_fini(&s->typos);
}

/* ---- the check ---- */

void doctor_check_settings(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct doctor_settings *s = &facts->settings;
    size_t before = r->n;

    for (const char *at = buf_str(&s->errors); *at; at += strcspn(at, "\n") + 1)
        doctor_change(doctor_found(r, DOCTOR_BROKEN, "%.*s", (int)strcspn(at, "\n"), at),
                      "Neither service would start like this: correct the value, in the "
                      "environment or in the file that --env-file names.");
    for (const char *at = buf_str(&s->typos); *at; at += strcspn(at, "\n") + 1) {
        int name = (int)strcspn(at, " "), line = (int)strcspn(at, "\n");

        doctor_change(
            doctor_found(r, DOCTOR_ADVICE, "%.*s is set, and no setting is called so.", name, at),
            "Is %.*s meant? As it is, the variable has no effect.", line - name - 1, at + name + 1);
    }
    if (r->n == before)
        doctor_found(r, DOCTOR_OK,
                     "All %zu settings of api-service and %zu of worker-service "
                     "have values that they take.",
                     api_program.n_vars, worker_program.n_vars);
}

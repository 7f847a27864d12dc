// SPDX-License-Identifier: MIT
#include "tools/wf/mutation.h"

#include <string.h>

#include "common/json/json_write.h"

static const struct mutation_set sets[] = {
    {"retries", "/retries", true},
    {"dead", "/morgue", false},
    {"scheduled", "/scheduled", true},
};

const struct mutation_set *mutation_set(const char *name)
{
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (strcmp(sets[i].name, name) == 0)
            return &sets[i];
    return NULL;
}

/* ---- check ---- */

static int check_ids(const char *ids, struct err_text *why)
{
    for (const char *at = ids;; at++) {
        size_t len = strcspn(at, ",");

        if (len == 0)
            return err_set(why, ERR_INVALID, "--id \"%.80s\": expected ids separated by commas",
                           ids);
        at += len;
        if (!*at)
            return 0;
    }
}

/* A filter that is there and empty fits every job: the worst that a script's empty variable can do.
 */
static int check_filter(const struct mutation *m, struct err_text *why)
{
    int n = (m->ids != NULL) + (m->type != NULL) + (m->pattern != NULL) + m->all;

    if (n != 1)
        return err_set(why, ERR_INVALID,
                       "which jobs? expected exactly one of --id, --type, --pattern and --all");
    if (m->ids)
        return check_ids(m->ids, why);
    if (m->type && !*m->type)
        return err_set(why, ERR_INVALID, "--type \"\": expected the name of a job type");
    if (m->pattern && m->pattern[strspn(m->pattern, "*")] == '\0')
        return err_set(why, ERR_INVALID, "--pattern \"%.80s\": that fits every job; --all says so",
                       m->pattern);
    return 0;
}

int mutation_check(const struct mutation *m, struct err_text *why)
{
    static const char *const actions[] = {"requeue", "discard", "kill"};
    size_t n = sizeof actions / sizeof actions[0];

    if (strcmp(m->action, "kill") == 0 && !m->set->kill)
        return err_set(why, ERR_INVALID, "jobs in %s are dead already: requeue or discard them",
                       m->set->name);
    while (n > 0 && strcmp(actions[n - 1], m->action) != 0)
        n--;
    if (n == 0)
        return err_set(why, ERR_INVALID, "\"%.40s\": expected requeue, %sdiscard", m->action,
                       m->set->kill ? "kill or " : "or ");
    return check_filter(m, why);
}

/* ---- text ---- */

/* As Faktory writes strings in a job: it spells out three characters that JSON would not. */
static void add_as_kept(struct buf *out, const char *text)
{
    struct buf json = BUF_INIT(0);

    json_write_cstr(&json, text);
    for (const char *at = buf_str(&json); *at; at++) {
        if (*at == '<' || *at == '>' || *at == '&')
            buf_addf(out, "\\u%04x", (unsigned)*at);
        else
            buf_add_char(out, *at);
    }
    out->failed = out->failed || json.failed;
    buf_fini(&json);
}

/* The glob that fits jobs of this type alone: nothing in the name is a wildcard. */
static void add_type_glob(struct buf *out, const char *type)
{
    struct buf kept = BUF_INIT(0);

    add_as_kept(&kept, type);
    buf_add_str(out, "*\"jobtype\":");
    for (const char *at = buf_str(&kept); *at; at++) {
        if (strchr("*?[]\\", *at))
            buf_add_char(out, '\\');
        buf_add_char(out, *at);
    }
    buf_add_char(out, '*');
    out->failed = out->failed || kept.failed;
    buf_fini(&kept);
}

static void add_ids(struct buf *out, const char *ids)
{
    buf_add_str(out, "{\"jids\":[");
    for (const char *at = ids; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (at > ids)
            buf_add_char(out, ',');
        json_write_unblank(out, at, strcspn(at, ","));
    }
    buf_add_str(out, "]}");
}

static void add_glob(struct buf *out, const struct mutation *m)
{
    struct buf glob = BUF_INIT(0);

    if (m->type)
        add_type_glob(&glob, m->type);
    else
        buf_addf(&glob, "*%s*", m->pattern);
    buf_add_str(out, "{\"regexp\":");
    json_write_unblank(out, buf_str(&glob), glob.len);
    buf_add_char(out, '}');
    out->failed = out->failed || glob.failed;
    buf_fini(&glob);
}

void mutation_write(const struct mutation *m, struct buf *out)
{
    buf_addf(out, "MUTATE {\"cmd\":\"%s\",\"target\":\"%s\"", m->action, m->set->name);
    if (!m->all)
        buf_add_str(out, ",\"filter\":");
    if (m->ids)
        add_ids(out, m->ids);
    else if (!m->all)
        add_glob(out, m);
    buf_add_char(out, '}');
}

// SPDX-License-Identifier: MIT
/*
 * wf retries, wf dead, wf scheduled - the jobs that wait outside the queues: how many there are,
 * and requeue, kill and discard. One command under three names: the name is that of Faktory's set.
 */
#include <inttypes.h>
#include <string.h>

#include "tools/wf/commands.h"
#include "tools/wf/mutation.h"
#include "tools/wf/wf.h"

const struct wf_option sets_options[] = {
    {"id", 0, "IDS", "the jobs with these ids, separated by commas"},
    {"type", 't', "TYPE", "the jobs of this type"},
    {"pattern", 'p', "GLOB", "the jobs whose JSON holds this; * ? and [...] are wildcards"},
    {"all", 'a', NULL, "all jobs of the set"},
    WF_OPTION_YES,
    {0},
};

/* Jobs in the set; WF_DONE, or an exit code after the reason was said. */
static int count(struct wf *wf, const struct mutation_set *set, int64_t *n)
{
    struct server *server = wf_server(wf);
    struct json_slice info, at;
    struct err_text why = {""};

    if (!server)
        return WF_NOT_DONE;
    if (server_ask(server, "INFO", &info, &why) != 0)
        return wf_faktory_away(wf, &why);
    at = json_type(info) == JSON_OBJECT ? json_member(info, "faktory") : info;
    at = json_type(at) == JSON_OBJECT ? json_member(at, "sets") : at;
    if (json_type(at) == JSON_OBJECT && json_read_int64(json_member(at, set->name), n) == 0)
        return WF_DONE;
    out_error(&wf->out, "Faktory's INFO does not say how many jobs are in %s", set->name);
    return WF_AWAY;
}

static int show(struct wf *wf, const struct mutation_set *set)
{
    struct buf json = BUF_INIT(0);
    int64_t n = 0;
    int code = count(wf, set, &n);

    if (code != WF_DONE)
        return code;
    if (!wf->out.json) {
        out_text(&wf->out, "%s: %" PRId64 " job%s\n", set->name, n, n == 1 ? "" : "s");
        out_note(&wf->out,
                 "Faktory's protocol cannot list them; its web page does: http://%s:7420%s (unless "
                 "its page is elsewhere, or off)",
                 wf->settings.faktory.url.host, set->page);
        return WF_DONE;
    }
    buf_addf(&json, "{\"set\":\"%s\",\"jobs\":%" PRId64 "}", set->name, n);
    out_json(&wf->out, &json);
    buf_fini(&json);
    return WF_DONE;
}

/* "jobs of type math_add among the 7 in retries" */
static void describe(const struct mutation *m, int64_t n, struct buf *out)
{
    if (m->all && n == 1)
        buf_add_str(out, "the only job");
    else if (m->all)
        buf_addf(out, "all %" PRId64 " jobs", n);
    else if (m->ids)
        buf_addf(out, "the jobs with id %.200s", m->ids);
    else if (m->type)
        buf_addf(out, "the jobs of type %.200s", m->type);
    else
        buf_addf(out, "the jobs that hold %.200s", m->pattern);
    if (m->all)
        buf_addf(out, " in %s", m->set->name);
    else
        buf_addf(out, " among the %" PRId64 " in %s", n, m->set->name);
}

/* Faktory answers without a count: how many jobs fitted stays unknown. */
static int report(struct wf *wf, const struct mutation *m, int64_t before, const char *what)
{
    struct buf json = BUF_INIT(0);

    if (!wf->out.json) {
        out_text(&wf->out, "done: %s %s\n", m->action, what);
        out_note(&wf->out, "Faktory does not say how many jobs that were; wf %s counts again",
                 m->set->name);
        return WF_DONE;
    }
    buf_addf(&json, "{\"set\":\"%s\",\"action\":\"%s\",\"jobs_before\":%" PRId64 "}", m->set->name,
             m->action, before);
    out_json(&wf->out, &json);
    buf_fini(&json);
    return WF_DONE;
}

static int refused(struct wf *wf, const struct resp_reply *reply)
{
    char shown[160];

    resp_show(reply, shown, sizeof shown);
    if (resp_holds(reply, "deadline exceeded"))
        out_error(&wf->out,
                  "Faktory works on this for 5 s at the most and did not get through: "
                  "part of it is done, say it again (%s)",
                  shown);
    else
        out_error(&wf->out, "Faktory refused: %s", shown);
    return WF_NOT_DONE;
}

static int send_it(struct wf *wf, const struct mutation *m, int64_t before, const char *what)
{
    struct buf line = BUF_INIT(0);
    struct err_text why = {""};
    struct resp_reply reply;
    int code = ERR_NOMEM;

    mutation_write(m, &line);
    if (line.failed)
        err_set(&why, ERR_NOMEM, "out of memory");
    else
        code = server_call(wf->server, buf_str(&line), &reply, &why);
    buf_fini(&line);
    if (code == 0)
        return resp_is_ok(&reply) ? report(wf, m, before, what) : refused(wf, &reply);
    out_error(&wf->out, "%s: how much of it was done is not known", why.text);
    return WF_UNKNOWN;
}

static int change(struct wf *wf, const struct mutation *m)
{
    struct buf what = BUF_INIT(0);
    int64_t n = 0;
    int code = count(wf, m->set, &n);

    if (code != WF_DONE)
        return code;
    describe(m, n, &what);
    if (n == 0)
        code = report(wf, m, 0, "nothing: the set is empty");
    else if (wf_sure(wf, "%s %s?", m->action, buf_str(&what)))
        code = send_it(wf, m, n, buf_str(&what));
    else
        code = WF_NOT_DONE;
    buf_fini(&what);
    return code;
}

int cmd_set(struct wf *wf, int argc, char **argv)
{
    const struct args *a = &wf->args;
    struct mutation m = {.set = mutation_set(a->command->name),
                         .action = argc > 0 ? argv[0] : NULL,
                         .ids = args_given(a, "id"),
                         .type = args_given(a, "type"),
                         .pattern = args_given(a, "pattern"),
                         .all = args_given(a, "all") != NULL};
    struct err_text why;

    if (m.action)
        return mutation_check(&m, &why) == 0 ? change(wf, &m) : wf_wrong(wf, "%s", why.text);
    if (m.ids || m.type || m.pattern || m.all || args_given(a, "yes"))
        return wf_wrong(wf, "what shall be done with them? expected: wf %s requeue|%sdiscard ...",
                        m.set->name, m.set->kill ? "kill|" : "");
    return show(wf, m.set);
}

// SPDX-License-Identifier: MIT
/* wf doctor - looks at an installation and says what is wrong with it, and what to change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json_write.h"
#include "tools/wf/commands.h"
#include "tools/wf/doctor.h"
#include "tools/wf/wf.h"

enum {
    RATE_DEFAULT = 5000,
    RATE_MAX = 1000000,
    WORKERS_MAX = 2000,
    WIDTH = 96,
    API_WAIT_MS = 5000
};

const struct wf_option doctor_options[] = {
    {"only", 0, "CHECKS", "these checks only, separated by commas (--list names them)"},
    {"skip", 0, "CHECKS", "all checks but these"},
    {"list", 0, NULL, "print the names of the checks and what they look at"},
    {"rate", 0, "JOBS", "jobs a second that are wanted, for the round trip (5000)"},
    {"workers", 0, "N", "worker-services that are planned, for the connections (1)"},
    {"redis-socket", 0, "PATH", "the socket of Faktory's Redis, where it cannot be found"},
    {0},
};

static const struct {
    const char *name, *sign;
    enum out_color color;
    int code;
} levels[] = {
    [DOCTOR_OK] = {"ok", "ok    ", OUT_GREEN, WF_DONE},
    [DOCTOR_ADVICE] = {"advice", "advice", OUT_YELLOW, WF_NOT_DONE},
    [DOCTOR_BROKEN] = {"broken", "broken", OUT_RED, WF_WRONG},
};

/* ---- which checks ---- */

/* Is this one of the names in "a,b,c"? */
static bool is_among(const char *list, const char *name, size_t len)
{
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strcspn(at, ",") == len && memcmp(at, name, len) == 0)
            return true;
    return false;
}

static bool is_check(const char *name, size_t len)
{
    for (size_t i = 0; i < doctor_checks_n; i++)
        if (strlen(doctor_checks[i].name) == len && memcmp(doctor_checks[i].name, name, len) == 0)
            return true;
    return false;
}

/* WF_DONE when the option is not given or names checks that there are. */
static int check_list(const struct wf *wf, const char *option)
{
    const char *list = args_given(&wf->args, option);

    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (!is_check(at, strcspn(at, ",")))
            return wf_wrong(wf, "--%s \"%.80s\": there is no check \"%.*s\" (see wf doctor --list)",
                            option, list, (int)strcspn(at, ","), at);
    return WF_DONE;
}

static bool is_wanted(const struct wf *wf, const struct doctor_check *check)
{
    const char *only = args_given(&wf->args, "only"), *skip = args_given(&wf->args, "skip");

    if (only && !is_among(only, check->name, strlen(check->name)))
        return false;
    return !skip || !is_among(skip, check->name, strlen(check->name));
}

static int list_checks(const struct wf *wf)
{
    struct buf json = BUF_INIT(0);

    for (size_t i = 0; i < doctor_checks_n; i++) {
        if (!wf->out.json) {
            out_text(&wf->out, "%-12s %s\n", doctor_checks[i].name, doctor_checks[i].about);
            continue;
        }
        buf_addf(&json, "%s{\"check\":\"%s\",\"about\":", i > 0 ? "," : "[", doctor_checks[i].name);
        json_write_cstr(&json, doctor_checks[i].about);
        buf_addf(&json, "}%s", i + 1 == doctor_checks_n ? "]" : "");
    }
    if (wf->out.json)
        out_json(&wf->out, &json);
    buf_fini(&json);
    return WF_DONE;
}

/* ---- facts ---- */

static void ask_api(struct wf *wf, struct doctor_api *a)
{
    struct http_ask ask = {
        .method = "GET", .path = "/ready", .timeout_ms = wf->settings.timeout_ms};
    struct http_answer_view answer;
    struct err_text why = {""};
    struct http *http = wf_http(wf);
    const char *named = getenv("WF_API_URL");

    if (ask.timeout_ms > API_WAIT_MS)
        ask.timeout_ms = API_WAIT_MS;
    a->url = wf->settings.api_url;
    a->named = args_given(&wf->args, "api") || (named && *named);
    if (http && http_do(http, &ask, &answer, &why) == 0) {
        a->status = answer.status;
        snprintf(a->why, sizeof a->why, "%.200s", answer.body);
    } else
        snprintf(a->why, sizeof a->why, "%.200s", why.text);
}

static int read_numbers(const struct wf *wf, struct doctor_settings *s)
{
    struct err_text why;

    s->rate = RATE_DEFAULT;
    s->workers = 1;
    if (args_int(&wf->args, "rate", 1, RATE_MAX, &s->rate, &why) != 0 ||
        args_int(&wf->args, "workers", 0, WORKERS_MAX, &s->workers, &why) != 0)
        return wf_wrong(wf, "%s", why.text);
    return WF_DONE;
}

static void gather(struct wf *wf, struct doctor_facts *facts)
{
    doctor_gather_settings(&facts->settings);
    doctor_gather_machine(&facts->machine);
    doctor_gather_server(&wf->settings.faktory, args_given(&wf->args, "redis-socket"),
                         &facts->server, &facts->storage);
    ask_api(wf, &facts->api);
}

/* ---- what is printed ---- */

/* The text in lines of at most WIDTH columns behind the indentation. */
static void print_wrapped(const struct out *o, int indent, const char *text)
{
    int column = 0;

    while (*text) {
        int len = (int)strcspn(text, " ");

        if (column > 0 && column + 1 + len > WIDTH - indent) {
            out_text(o, "\n%*s", indent, "");
            column = 0;
        }
        out_text(o, "%s%.*s", column > 0 ? " " : "", len, text);
        column += len + (column > 0);
        text += len;
        text += strspn(text, " ");
    }
    out_text(o, "\n");
}

static void print_finding(const struct out *o, const struct doctor_finding *f)
{
    enum { INDENT = 21 }; /* sign and check */

    out_text(o, "%s%s%s  %-11s  ", out_on(o, levels[f->level].color), levels[f->level].sign,
             out_off(o), f->check);
    print_wrapped(o, INDENT, f->found);
    if (f->change[0]) {
        out_text(o, "%*s-> ", INDENT, "");
        print_wrapped(o, INDENT + 3, f->change);
    }
}

static void write_json(struct buf *out, const struct doctor_report *r, const struct buf *left_out)
{
    buf_addf(out, "{\"result\":\"%s\",\"findings\":[", levels[doctor_worst(r)].name);
    for (size_t i = 0; i < r->n; i++) {
        const struct doctor_finding *f = &r->findings[i];

        buf_addf(out, "%s{\"check\":\"%s\",\"level\":\"%s\",\"found\":", i > 0 ? "," : "", f->check,
                 levels[f->level].name);
        json_write_cstr(out, f->found);
        buf_add_str(out, ",\"change\":");
        json_write_cstr(out, f->change[0] ? f->change : NULL);
        buf_add_char(out, '}');
    }
    buf_addf(out, "],\"left_out\":[%s]}", buf_str(left_out));
}

/* `left_out`: "version","clock", ...: the checks that make no sense without Faktory. */
static void print_report(const struct wf *wf, const struct doctor_report *r,
                         const struct buf *left_out)
{
    struct buf json = BUF_INIT(0);

    if (wf->out.json) {
        write_json(&json, r, left_out);
        out_json(&wf->out, &json);
        buf_fini(&json);
        return;
    }
    for (size_t i = 0; i < r->n; i++)
        if (!wf->out.quiet || r->findings[i].level != DOCTOR_OK)
            print_finding(&wf->out, &r->findings[i]);
    if (left_out->len > 0)
        out_note(&wf->out, "not looked at without Faktory: %s", buf_str(left_out));
}

static void run_checks(const struct wf *wf, const struct doctor_facts *facts,
                       struct doctor_report *r, struct buf *left_out)
{
    for (size_t i = 0; i < doctor_checks_n; i++) {
        const struct doctor_check *check = &doctor_checks[i];

        if (!is_wanted(wf, check))
            continue;
        if (check->needs_server && facts->server.code != 0) {
            buf_addf(left_out, "%s\"%s\"", left_out->len > 0 ? "," : "", check->name);
            continue;
        }
        r->check = check->name;
        check->run(facts, r);
    }
}

int cmd_doctor(struct wf *wf, int argc, char **argv)
{
    static struct doctor_facts facts; /* zeroed, and too large for a stack */
    struct doctor_report report = {0};
    struct buf left_out = BUF_INIT(0);
    int code;

    (void)argc, (void)argv;
    if (args_given(&wf->args, "list"))
        return list_checks(wf);
    if ((code = check_list(wf, "only")) != WF_DONE || (code = check_list(wf, "skip")) != WF_DONE ||
        (code = read_numbers(wf, &facts.settings)) != WF_DONE)
        return code;
    gather(wf, &facts);
    run_checks(wf, &facts, &report, &left_out);
    print_report(wf, &report, &left_out);
    code = levels[doctor_worst(&report)].code;
    if (report.failed || left_out.failed) {
        out_error(&wf->out, "out of memory: some findings are missing");
        code = WF_WRONG;
    }
    doctor_report_fini(&report);
    doctor_fini_settings(&facts.settings);
    buf_fini(&left_out);
    return code;
}

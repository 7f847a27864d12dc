// SPDX-License-Identifier: MIT
#include "tools/wf/snapshot.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/faktory/info.h"
#include "common/json/json_write.h"

/* GET of the API: true when JSON came; `to` has the text then, *root its value. */
static bool get(struct wf *wf, const char *path, struct buf *to, struct json_slice *root,
                int *status, struct err_text *why)
{
    struct http_ask ask = {.method = "GET", .path = path, .timeout_ms = wf->settings.timeout_ms};
    struct http_answer_view answer;

    buf_clear(to);
    *root = (struct json_slice){NULL, 0};
    if (!wf_http(wf) || http_do(wf->http, &ask, &answer, why) != 0)
        return false;
    *status = answer.status;
    buf_add(to, answer.body, answer.len);
    if (!to->failed && json_check(buf_str(to), to->len, root, NULL) == 0 &&
        json_type(*root) == JSON_OBJECT)
        return true;
    *root = (struct json_slice){NULL, 0};
    err_set(why, ERR_PROTOCOL, "%s%s: not the answer of an api-service (status %d)",
            wf->settings.api_url, path, answer.status);
    return false;
}

static void ask_api(struct snapshot *s, struct wf *wf)
{
    struct buf text = BUF_INIT(0), why = BUF_INIT(0);
    struct json_slice root;
    int status = 0;

    s->ready = false;
    s->stats = (struct json_slice){NULL, 0};
    s->api = get(wf, "/ready", &text, &root, &status, &s->api_why);
    if (s->api && !(s->ready = status == 200)) {
        (void)json_read_string(json_member(root, "faktory"), &why);
        err_set(&s->api_why, 0, "not ready: %s", buf_str(&why));
    }
    if (s->api && get(wf, "/stats", &s->stats_text, &root, &status, NULL) && status == 200)
        s->stats = root;
    buf_fini(&text);
    buf_fini(&why);
}

static void ask_faktory(struct snapshot *s, struct wf *wf)
{
    struct json_slice info;
    int code = ERR_NOMEM;

    if (wf_server(wf))
        code = server_ask(wf->server, "INFO", &info, &s->faktory_why);
    if (code == ERR_FULL)
        return; /* too early: the last numbers still stand */
    buf_clear(&s->faktory_text);
    s->faktory = s->direct = code == 0;
    s->numbers = (struct json_slice){NULL, 0};
    if (code != 0)
        return;
    info_write(info, &s->faktory_text);
    s->numbers = (struct json_slice){buf_str(&s->faktory_text), s->faktory_text.len};
}

void snapshot_take(struct snapshot *s, struct wf *wf)
{
    struct json_slice numbers = {NULL, 0};

    s->wall_ms = clock_wall_ms();
    ask_api(s, wf);
    if (json_type(s->stats) == JSON_OBJECT)
        numbers = json_member(s->stats, "faktory");
    if (json_type(numbers) != JSON_OBJECT) {
        ask_faktory(s, wf);
        return;
    }
    s->faktory = true;
    s->direct = false;
    s->numbers = numbers;
}

static void add_value(struct buf *out, const char *name, struct json_slice value)
{
    buf_addf(out, ",\"%s\":", name);
    buf_add(out, value.len > 0 ? value.at : "null", value.len > 0 ? value.len : 4);
}

void snapshot_json(const struct snapshot *s, const struct wf *wf, struct buf *out)
{
    char at[CLOCK_RFC3339_MAX], url[URL_SHOWN_MAX];

    clock_rfc3339(s->wall_ms, at);
    url_redacted(&wf->settings.faktory.url, url);
    buf_addf(out, "{\"at\":\"%s\",\"api\":{\"url\":", at);
    json_write_cstr(out, wf->settings.api_url);
    buf_addf(out, ",\"reached\":%s,\"ready\":%s,\"error\":", s->api ? "true" : "false",
             s->ready ? "true" : "false");
    json_write_cstr(out, s->ready ? NULL : s->api_why.text);
    add_value(out, "stats", s->stats);
    buf_add_str(out, "},\"faktory\":{\"url\":");
    json_write_cstr(out, s->direct || !s->faktory ? url : NULL); /* NULL: the one of the API */
    buf_addf(out, ",\"reached\":%s,\"error\":", s->faktory ? "true" : "false");
    json_write_cstr(out, s->faktory ? NULL : s->faktory_why.text);
    add_value(out, "numbers", s->numbers);
    buf_add_str(out, "}}");
}

int snapshot_code(const struct snapshot *s)
{
    return s->ready && s->faktory ? WF_DONE : WF_AWAY;
}

void snapshot_fini(struct snapshot *s)
{
    buf_fini(&s->stats_text);
    buf_fini(&s->faktory_text);
    memset(s, 0, sizeof *s);
}

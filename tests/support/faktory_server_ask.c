// SPDX-License-Identifier: MIT
/* The part of faktory_server that talks to it: INFO, jobs, the web page. */
#include "tests/support/faktory_server.h"

#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "tests/support/faktory_talk.h"
#include "tests/support/http_client.h"

enum { INFO_PAUSE_MS = 250, WEB_TIMEOUT_MS = 10000 };

static char *ask(struct faktory_server *s, const char *line, struct err_text *why)
{
    struct faktory_talk *t =
        faktory_talk_open(faktory_server_port(s), faktory_server_password(s), NULL, why);
    char *reply = NULL;

    if (t && !(reply = faktory_talk_command(t, line)))
        err_set(why, ERR_CLOSED, "no reply to %.40s", line);
    faktory_talk_close(t);
    return reply;
}

char *faktory_server_command(struct faktory_server *s, const char *line)
{
    return ask(s, line, NULL);
}

/* 0 when the reply is the wanted one; frees it. */
static int expect(char *reply, const char *wanted, struct err_text *why)
{
    int code;

    if (!reply)
        return ERR_CLOSED; /* `why` is set */
    code = strcmp(reply, wanted) == 0 ? 0 : err_set(why, ERR_REFUSED, "%s", reply);
    free(reply);
    return code;
}

struct field {
    const char *path[2];
    size_t offset;
};

#define FIELD(group, key, member)                                                                  \
    {                                                                                              \
        {group, key}, offsetof(struct faktory_info, member)                                        \
    }

static const struct field numbers[] = {
    FIELD("faktory", "total_processed", total_processed),
    FIELD("faktory", "total_failures", total_failures),
    FIELD("faktory", "total_enqueued", enqueued),
    FIELD("sets", "scheduled", scheduled),
    FIELD("sets", "retries", retries),
    FIELD("sets", "dead", dead),
    FIELD("sets", "working", working),
    FIELD("server", "connections", connections),
    FIELD("server", "command_count", command_count),
};

static int read_numbers(struct json_object *root, struct faktory_info *out, struct err_text *why)
{
    struct json_object *faktory, *sets, *server, *value;

    if (!json_object_object_get_ex(root, "faktory", &faktory) ||
        !json_object_object_get_ex(root, "server", &server) ||
        !json_object_object_get_ex(faktory, "sets", &sets))
        return err_set(why, ERR_PROTOCOL, "INFO lacks faktory, server or sets");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const struct field *f = &numbers[i];
        struct json_object *group = strcmp(f->path[0], "sets") == 0     ? sets
                                    : strcmp(f->path[0], "server") == 0 ? server
                                                                        : faktory;

        if (!json_object_object_get_ex(group, f->path[1], &value))
            return err_set(why, ERR_PROTOCOL, "INFO lacks %s.%s", f->path[0], f->path[1]);
        *(long long *)((char *)out + f->offset) = json_object_get_int64(value);
    }
    if (json_object_object_get_ex(faktory, "queues", &value)) {
        json_object_object_foreach(value, name, size)
        {
            if (out->queues == FAKTORY_QUEUES_MAX)
                return err_set(why, ERR_FULL, "more than %d queues", FAKTORY_QUEUES_MAX);
            snprintf(out->queue[out->queues].name, FAKTORY_QUEUE_NAME_MAX, "%s", name);
            out->queue[out->queues++].size = json_object_get_int64(size);
        }
    }
    return 0;
}

int faktory_server_info(struct faktory_server *s, struct faktory_info *out, struct err_text *why)
{
    char *text = ask(s, "INFO", why);
    struct json_object *root = text ? json_tokener_parse(text) : NULL;
    int code;

    memset(out, 0, sizeof *out);
    if (root)
        code = read_numbers(root, out, why);
    else
        code = text ? err_set(why, ERR_PROTOCOL, "INFO: %s", text) : ERR_CLOSED;
    json_object_put(root);
    free(text);
    return code;
}

long long faktory_info_queue(const struct faktory_info *info, const char *name)
{
    for (int i = 0; i < info->queues; i++)
        if (strcmp(info->queue[i].name, name) == 0)
            return info->queue[i].size;
    return -1;
}

bool faktory_server_wait(struct faktory_server *s,
                         bool (*reached)(const struct faktory_info *info, void *arg), void *arg,
                         int timeout_ms, struct faktory_info *last)
{
    const struct timespec pause = {.tv_nsec = INFO_PAUSE_MS * 1000000L};
    int64_t deadline = clock_ms() + timeout_ms;
    struct faktory_info info;
    bool done = false, late;

    for (;;) {
        late = clock_ms() >= deadline;
        done = faktory_server_info(s, &info, NULL) == 0 && reached(&info, arg);
        if (done || late)
            break;
        nanosleep(&pause, NULL);
    }
    if (last)
        *last = info;
    return done;
}

int faktory_server_push(struct faktory_server *s, const char *job, struct err_text *why)
{
    struct buf line = BUF_INIT(0);
    int code;

    buf_addf(&line, "PUSHB [%s]", job);
    code = expect(ask(s, buf_str(&line), why), "{}", why);
    buf_fini(&line);
    return code;
}

char *faktory_server_fetch(struct faktory_server *s, const char *queues)
{
    struct buf line = BUF_INIT(0);
    char *reply;

    buf_addf(&line, "FETCH %s", queues);
    reply = ask(s, buf_str(&line), NULL);
    buf_fini(&line);
    if (reply && reply[0] != '{') {
        free(reply);
        reply = NULL;
    }
    return reply;
}

int faktory_server_ack(struct faktory_server *s, const char *jid, struct err_text *why)
{
    struct buf line = BUF_INIT(0);
    int code;

    buf_addf(&line, "ACK {\"jid\":\"%s\"}", jid);
    code = expect(ask(s, buf_str(&line), why), "+OK", why);
    buf_fini(&line);
    return code;
}

int faktory_server_flush(struct faktory_server *s, struct err_text *why)
{
    return expect(ask(s, "FLUSH", why), "+OK", why);
}

int faktory_server_signal_workers(struct faktory_server *s, const char *what, struct err_text *why)
{
    char url[64], form[64];
    struct http_call call = {
        .method = "POST", .url = url, .body = form, .timeout_ms = WEB_TIMEOUT_MS};
    struct http_answer answer;
    int code;

    snprintf(url, sizeof url, "http://127.0.0.1:%d/busy", faktory_server_web_port(s));
    snprintf(form, sizeof form, "wid=all&signal=%s", what);
    if ((code = http_request(&call, &answer, why)) != 0)
        return code;
    /* The page answers with a redirect to itself. */
    if (answer.status != 302 && answer.status != 303)
        code = err_set(why, ERR_REFUSED, "POST /busy: %d", answer.status);
    http_answer_fini(&answer);
    return code;
}

// SPDX-License-Identifier: MIT
/*
 * wf queues - the queues with their sizes and latencies (how long the next job has waited), asked
 * of Faktory itself, which alone knows; and pausing, resuming, removing them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json_write.h"
#include "tools/wf/commands.h"
#include "tools/wf/wf.h"

/* What can be done to a queue. A question is asked where jobs stop running, or are gone. */
static const struct action {
    const char *name, *verb, *done;
    const char *ask, *ask_end; /* the question, around the queue's name; NULL: none */
} actions[] = {
    {"pause", "PAUSE", "paused", "Shall no worker get jobs of the queue", " any more?"},
    {"resume", "RESUME", "resumed", NULL, NULL},
    {"remove", "REMOVE", "removed", "Remove the queue", " and all jobs in it?"},
};

/* Faktory's queues at one moment. */
struct queue_list {
    size_t n;
    struct queue_row {
        char *name;
        char size[24], latency[32];
    } * rows;
};

static void free_list(struct queue_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->rows[i].name);
    free(list->rows);
}

static struct queue_row *find_row(const struct queue_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->rows[i].name, name) == 0)
            return &list->rows[i];
    return NULL;
}

/* Takes the queues out of INFO. 0 or ERR_NOMEM. */
static int take_queues(struct queue_list *list, struct json_slice info)
{
    struct json_slice queues = json_member(info, "faktory"), name, size;
    struct json_iter it;

    if (json_type(queues) == JSON_OBJECT)
        queues = json_member(queues, "queues");
    if (json_type(queues) != JSON_OBJECT)
        return 0;
    list->rows = calloc(json_count(queues) + 1, sizeof *list->rows);
    if (!list->rows)
        return ERR_NOMEM;
    for (it = json_iter(queues); json_next_member(&it, &name, &size);) {
        struct queue_row *row = &list->rows[list->n];
        struct buf text = BUF_INIT(0);

        (void)json_read_string(name, &text);
        if (!(row->name = buf_take(&text)))
            return ERR_NOMEM;
        snprintf(row->size, sizeof row->size, "%.*s", (int)size.len, size.at);
        list->n++;
    }
    return 0;
}

static int ask_queues(struct wf *wf, struct queue_list *list)
{
    struct json_slice info;
    struct err_text why;

    if (!wf_server(wf))
        return WF_NOT_DONE;
    if (server_ask(wf->server, "INFO", &info, &why) != 0)
        return wf_faktory_away(wf, &why);
    if (json_type(info) != JSON_OBJECT || take_queues(list, info) != 0)
        return wf_wrong(wf, "out of memory, or INFO is no object");
    return WF_DONE;
}

static void take_latencies(struct queue_list *list, struct json_slice root)
{
    for (size_t i = 0; i < list->n; i++) {
        struct queue_row *row = &list->rows[i];
        double s;

        if (json_read_double(json_member(root, row->name), &s) == 0)
            snprintf(row->latency, sizeof row->latency, "%.3f", s);
    }
}

/* QUEUE LATENCY of all. Older Faktorys do not know it: then there are none. */
static void ask_latencies(struct wf *wf, struct queue_list *list)
{
    struct buf command = BUF_INIT(0);
    struct json_slice root;
    struct err_text why;

    if (list->n == 0)
        return;
    buf_add_str(&command, "QUEUE LATENCY");
    for (size_t i = 0; i < list->n; i++)
        buf_addf(&command, " %s", list->rows[i].name);
    if (command.failed || server_ask(wf->server, buf_str(&command), &root, &why) != 0)
        out_note(&wf->out, "no latencies: %s", command.failed ? "out of memory" : why.text);
    else if (json_type(root) == JSON_OBJECT)
        take_latencies(list, root);
    buf_fini(&command);
}

static void print_json(struct wf *wf, const struct queue_list *list)
{
    struct buf json = BUF_INIT(0);

    buf_add_str(&json, "{\"queues\":[");
    for (size_t i = 0; i < list->n; i++) {
        const struct queue_row *row = &list->rows[i];

        buf_addf(&json, "%s{\"name\":", i ? "," : "");
        json_write_cstr(&json, row->name);
        buf_addf(&json, ",\"size\":%s,\"latency_seconds\":%s}", row->size,
                 *row->latency ? row->latency : "null");
    }
    buf_add_str(&json, "]}");
    out_json(&wf->out, &json);
    buf_fini(&json);
}

static int print_table(struct wf *wf, const struct queue_list *list)
{
    static const struct out_column heads[] = {
        {"queue", false}, {"jobs", true}, {"latency s", true}};
    const char **cells = calloc(3 * list->n + 1, sizeof *cells);

    if (!cells)
        return wf_wrong(wf, "out of memory");
    for (size_t i = 0; i < list->n; i++) {
        cells[3 * i] = list->rows[i].name;
        cells[3 * i + 1] = list->rows[i].size;
        cells[3 * i + 2] = *list->rows[i].latency ? list->rows[i].latency : "-";
    }
    out_table(&wf->out, heads, 3, cells, list->n);
    free(cells);
    return WF_DONE;
}

static int show(struct wf *wf, struct queue_list *list)
{
    ask_latencies(wf, list);
    if (!wf->out.json)
        return print_table(wf, list);
    print_json(wf, list);
    return WF_DONE;
}

/* ---- doing something to them ---- */

static int act_on(struct wf *wf, const struct action *action, const char *name)
{
    struct resp_reply reply = {.kind = RESP_NIL};
    struct buf command = BUF_INIT(0);
    struct err_text why = {""};
    char shown[120];
    int code;

    if (action->ask && !wf_sure(wf, "%s %s%s", action->ask, name, action->ask_end))
        return WF_NOT_DONE;
    buf_addf(&command, "QUEUE %s %s", action->verb, name);
    code = command.failed ? ERR_NOMEM : server_call(wf->server, command.data, &reply, &why);
    buf_fini(&command);
    if (code != 0)
        return wf_faktory_away(wf, &why);
    if (resp_is_ok(&reply)) {
        if (!wf->out.json)
            out_text(&wf->out, "%s %s\n", action->done, name);
        return WF_DONE;
    }
    resp_show(&reply, shown, sizeof shown);
    out_error(&wf->out, "Faktory answered QUEUE %s with %s", action->verb, shown);
    return WF_NOT_DONE;
}

static void print_acted(struct wf *wf, const struct action *action, int argc, char **argv)
{
    struct buf json = BUF_INIT(0);

    if (!wf->out.json)
        return;
    buf_addf(&json, "{\"%s\":[", action->done);
    for (int i = 0; i < argc; i++) {
        buf_add_str(&json, i ? "," : "");
        json_write_cstr(&json, argv[i]);
    }
    buf_add_str(&json, "]}");
    out_json(&wf->out, &json);
    buf_fini(&json);
}

/* Faktory says +OK to names that it does not know, so they are looked for first. */
static int act(struct wf *wf, const struct queue_list *list, const struct action *action, int argc,
               char **argv)
{
    int code = WF_DONE;

    if (argc == 0)
        return wf_wrong(wf, "which queues? wf queues %s NAME...", action->name);
    for (int i = 0; i < argc; i++)
        if (!find_row(list, argv[i]))
            return wf_wrong(wf, "there is no queue \"%.80s\" (see wf queues)", argv[i]);
    for (int i = 0; i < argc && code == WF_DONE; i++)
        code = act_on(wf, action, argv[i]);
    if (code == WF_DONE)
        print_acted(wf, action, argc, argv);
    return code;
}

int cmd_queues(struct wf *wf, int argc, char **argv)
{
    const struct action *action = NULL;
    struct queue_list list = {.n = 0};
    int code;

    for (size_t i = 0; argc > 0 && i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(argv[0], actions[i].name) == 0)
            action = &actions[i];
    if (argc > 0 && !action)
        return wf_wrong(wf, "\"%.80s\": expected pause, resume or remove", argv[0]);
    code = ask_queues(wf, &list);
    if (code == WF_DONE)
        code = action ? act(wf, &list, action, argc - 1, argv + 1) : show(wf, &list);
    free_list(&list);
    return code;
}

// SPDX-License-Identifier: MIT
/* wf workers - what the workers themselves say, from their metrics addresses: a row each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json_write.h"
#include "tools/wf/commands.h"
#include "tools/wf/scrape.h"
#include "tools/wf/wf.h"

enum { WAIT_MS = 5000, URL_MAX = 300, CELL_MAX = 64 };

/* What is shown of a worker: one metric, or the sum of those that differ in their labels. */
enum {
    THREADS,
    BUSY,
    WAITING,
    IN_HAND,
    SETTLING,
    FETCHES,
    CONNECTIONS,
    CONNECTIONS_UP,
    RECONNECTS,
    RTT,
    DONE,
    FAILED,
    METRICS
};

static const struct {
    const char *metric, *as; /* as: its name in JSON */
} metrics[METRICS] = {
    [THREADS] = {"wf_worker_threads", "threads"},
    [BUSY] = {"wf_worker_threads_busy", "threads_busy"},
    [WAITING] = {"wf_worker_jobs_waiting", "jobs_waiting"},
    [IN_HAND] = {"wf_worker_jobs_in_hand", "jobs_in_hand"},
    [SETTLING] = {"wf_worker_jobs_settling", "jobs_settling"},
    [FETCHES] = {"wf_worker_fetches_in_flight", "fetches_in_flight"},
    [CONNECTIONS] = {"wf_worker_connections", "connections"},
    [CONNECTIONS_UP] = {"wf_worker_connections_up", "connections_up"},
    [RECONNECTS] = {"wf_worker_reconnects_total", "reconnects"},
    [RTT] = {"wf_worker_rtt_seconds", "rtt_seconds"},
    [DONE] = {"wf_worker_jobs_done_total", "jobs_done"},
    [FAILED] = {"wf_worker_jobs_failed_total", "jobs_failed"},
};

struct worker_row {
    const char *address; /* as it was given */
    bool up;
    char why[256];
    double values[METRICS]; /* NaN: the worker does not say */
    struct buf windows;     /* "256 256 1", a lane each */
    struct buf version;
};

/* ---- asking ---- */

/* host:port, a URL, or a URL with its path. */
static void make_url(const char *address, char url[URL_MAX])
{
    const char *scheme = strstr(address, "://");
    const char *host = scheme ? scheme + 3 : address, *slash = strchr(host, '/');

    snprintf(url, URL_MAX, "%s%s%s", scheme ? "" : "http://", address,
             slash && slash[1] ? "" : (slash ? "metrics" : "/metrics"));
}

static int take(struct worker_row *row, const char *text, size_t len, struct err_text *why)
{
    struct scrape at = scrape_text(text, len);
    struct scrape_sample sample;
    int code;

    while ((code = scrape_next(&at, &sample, why)) > 0) {
        if (scrape_is(&sample, "wf_worker_fetch_window"))
            buf_addf(&row->windows, "%s%.0f", row->windows.len > 0 ? " " : "", sample.value);
        if (scrape_is(&sample, "wf_worker_build_info") && row->version.len == 0)
            scrape_label(&sample, "version", &row->version);
        for (size_t i = 0; i < METRICS; i++)
            if (scrape_is(&sample, metrics[i].metric))
                row->values[i] = (isnan(row->values[i]) ? 0 : row->values[i]) + sample.value;
    }
    if (code == 0 && isnan(row->values[THREADS]))
        code = err_set(why, ERR_INVALID, "there are metrics, but not those of worker-service");
    return code;
}

static void ask_worker(struct wf *wf, struct worker_row *row)
{
    struct http_ask ask = {.method = "GET", .timeout_ms = wf->settings.timeout_ms};
    struct http_answer_view answer;
    struct err_text why = {""};
    char url[URL_MAX];
    int code;

    make_url(row->address, url);
    ask.path = url;
    if (ask.timeout_ms > WAIT_MS)
        ask.timeout_ms = WAIT_MS;
    for (size_t i = 0; i < METRICS; i++)
        row->values[i] = NAN;
    code = http_do(wf->http, &ask, &answer, &why);
    if (code == 0 && answer.status != 200)
        code = err_set(&why, ERR_PROTOCOL, "%.200s: status %d", url, answer.status);
    else if (code == 0)
        code = take(row, answer.body, answer.len, &why);
    row->up = code == 0;
    snprintf(row->why, sizeof row->why, "%s", why.text);
}

/* ---- what is printed ---- */

static void write_json(struct buf *out, const struct worker_row *rows, size_t n)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_addf(out, "%s{\"worker\":", i > 0 ? "," : "");
        json_write_cstr(out, rows[i].address);
        buf_addf(out, ",\"reached\":%s,\"error\":", rows[i].up ? "true" : "false");
        json_write_cstr(out, rows[i].up ? NULL : rows[i].why);
        for (size_t m = 0; rows[i].up && m < METRICS; m++) {
            buf_addf(out, ",\"%s\":", metrics[m].as);
            json_write_double(out, rows[i].values[m]);
        }
        if (rows[i].up) {
            buf_add_str(out, ",\"version\":");
            json_write_cstr(out, buf_str(&rows[i].version));
            buf_add_str(out, ",\"windows\":[");
            for (const char *at = buf_str(&rows[i].windows); *at; at++)
                buf_add_char(out, *at == ' ' ? ',' : *at);
            buf_add_char(out, ']');
        }
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static const struct out_column heads[] = {
    {"WORKER", false},   {"STATE", false},   {"BUSY", true},    {"WAITING", true},
    {"IN HAND", true},   {"SETTLING", true}, {"FETCHES", true}, {"WINDOWS", true},
    {"CONNECTED", true}, {"RTT MS", true},   {"DONE", true},    {"FAILED", true},
};

enum { COLUMNS = sizeof heads / sizeof heads[0] };

/* A number; "-" for one that the worker does not say. */
static void number(char cell[CELL_MAX], double value)
{
    if (isnan(value))
        snprintf(cell, CELL_MAX, "-");
    else
        snprintf(cell, CELL_MAX, "%.0f", value);
}

/* "3/50" */
static void part(char cell[CELL_MAX], double some, double all)
{
    snprintf(cell, CELL_MAX, "%.0f/%.0f", some, all);
}

static void fill(const struct worker_row *row, char cells[COLUMNS][CELL_MAX])
{
    static const int plain[] = {WAITING, IN_HAND, SETTLING, FETCHES};
    const double *v = row->values;

    snprintf(cells[0], CELL_MAX, "%s", row->address);
    snprintf(cells[1], CELL_MAX, "%s", row->up ? "up" : "away");
    for (size_t c = 2; c < COLUMNS; c++)
        snprintf(cells[c], CELL_MAX, "-");
    if (!row->up)
        return;
    part(cells[2], v[BUSY], v[THREADS]);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        number(cells[3 + i], v[plain[i]]);
    snprintf(cells[7], CELL_MAX, "%s", buf_str(&row->windows));
    part(cells[8], v[CONNECTIONS_UP], v[CONNECTIONS]);
    if (v[RTT] > 0)
        snprintf(cells[9], CELL_MAX, "%.1f", v[RTT] * 1000);
    number(cells[10], v[DONE]);
    number(cells[11], v[FAILED]);
}

static void print_table(const struct wf *wf, const struct worker_row *rows, size_t n)
{
    char(*cells)[COLUMNS][CELL_MAX] = calloc(n, sizeof *cells);
    const char **texts = calloc(n * COLUMNS, sizeof *texts);

    for (size_t i = 0; cells && texts && i < n; i++) {
        fill(&rows[i], cells[i]);
        for (size_t c = 0; c < COLUMNS; c++)
            texts[i * COLUMNS + c] = cells[i][c];
    }
    if (cells && texts)
        out_table(&wf->out, heads, COLUMNS, texts, n);
    else
        out_error(&wf->out, "out of memory for a table");
    free(texts);
    free(cells);
}

static void print_rows(const struct wf *wf, const struct worker_row *rows, size_t n)
{
    struct buf json = BUF_INIT(0);

    if (wf->out.json) {
        write_json(&json, rows, n);
        out_json(&wf->out, &json);
        buf_fini(&json);
        return;
    }
    print_table(wf, rows, n);
    for (size_t i = 0; i < n; i++)
        if (!rows[i].up)
            out_error(&wf->out, "%s: %s; WORKER_METRICS_ADDR is where a worker answers",
                      rows[i].address, rows[i].why);
}

int cmd_workers(struct wf *wf, int argc, char **argv)
{
    const char *here = getenv("WORKER_METRICS_ADDR");
    size_t n = argc > 0 ? (size_t)argc : 1;
    struct worker_row *rows;
    int code = WF_DONE;

    if (argc < 1 && (!here || !*here))
        return wf_wrong(wf, "which workers? expected: wf workers URL..., or WORKER_METRICS_ADDR to "
                            "be set (worker-service has a page for metrics where that says)");
    if (!wf_http(wf) || !(rows = calloc(n, sizeof *rows)))
        return WF_NOT_DONE;
    for (size_t i = 0; i < n; i++) {
        rows[i].address = argc > 0 ? argv[i] : here;
        ask_worker(wf, &rows[i]);
        if (!rows[i].up)
            code = WF_NOT_DONE;
    }
    print_rows(wf, rows, n);
    for (size_t i = 0; i < n; i++) {
        buf_fini(&rows[i].windows);
        buf_fini(&rows[i].version);
    }
    free(rows);
    return code;
}

// SPDX-License-Identifier: MIT
/*
 * Asks Faktory: one connection, one INFO, a few round trips, all without side effects.
 *
 * The round trip is that of QUEUE LATENCY without a name: it changes nothing, does not reach Redis,
 * leaves no line in Faktory's log, and versions that do not know it refuse it just as quickly. INFO
 * would be dearer (it reads every queue, and Faktory 1.9 reads its table of them without a lock),
 * BEAT needs a worker, and an ACK is somebody's job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/json/json.h"
#include "tools/wf/doctor.h"
#include "tools/wf/redis_look.h"
#include "tools/wf/stranger.h"

enum { ROUND_TRIPS = 7, DAY_S = 86400, ROUND_TRIPS_MS = 5000 };

#define ROUND_TRIP "QUEUE LATENCY"

/* ---- INFO ---- */

static struct json_slice member(struct json_slice of, const char *name)
{
    return json_type(of) == JSON_OBJECT ? json_member(of, name) : (struct json_slice){NULL, 0};
}

/* Copies a string member, cut to fit; "" when it is not there or is no string. */
static void copy_member(struct json_slice of, const char *name, char *out, size_t room)
{
    struct buf text = BUF_INIT(0);

    out[0] = '\0';
    if (json_read_string(member(of, name), &text) == 0)
        snprintf(out, room, "%s", buf_str(&text));
    buf_fini(&text);
}

/* "15:04:05 UTC": the time of the day nearest to `now_ms`, which is the best there is before 1.9 */
static bool read_time_of_day(const char *text, int64_t now_ms, int64_t *wall_ms)
{
    int h, m, s;
    int64_t off_s;

    /* NOLINTNEXTLINE(cert-err34-c): two digits each, so nothing overflows */
    if (sscanf(text, "%2d:%2d:%2d UTC", &h, &m, &s) != 3)
        return false;
    off_s = (h * 3600 + m * 60 + s - now_ms / 1000 % DAY_S + DAY_S) % DAY_S;
    if (off_s > DAY_S / 2)
        off_s -= DAY_S;
    *wall_ms = now_ms / 1000 * 1000 + off_s * 1000;
    return true;
}

/* Faktory read its clock about half a round trip after we asked. */
static void compare_clocks(struct doctor_server *s, struct json_slice info, int64_t asked_ms,
                           int64_t answered_ms)
{
    int64_t middle_ms = asked_ms + (answered_ms - asked_ms) / 2, theirs_ms;
    char now[64], day[64];

    copy_member(info, "now", now, sizeof now);
    copy_member(info, "server_utc_time", day, sizeof day);
    s->has_clock = clock_parse_rfc3339(now, strlen(now), &theirs_ms) == 0 ||
                   read_time_of_day(day, middle_ms, &theirs_ms);
    if (s->has_clock)
        s->ahead_ms = theirs_ms - middle_ms;
}

static int refused(struct doctor_server *s, const struct resp_reply *reply, struct err_text *why)
{
    char shown[160];

    resp_show(reply, shown, sizeof shown);
    s->full = resp_holds(reply, "too many connections");
    return err_set(why, ERR_REFUSED, "%s", shown);
}

static int ask_info(struct faktory *f, struct doctor_server *s, struct err_text *why)
{
    int64_t asked_ms = clock_wall_ms(), answered_ms;
    struct json_slice info, server;
    struct resp_reply reply;
    int code = faktory_call(f, "INFO", &reply, why);

    answered_ms = clock_wall_ms();
    if (code != 0)
        return code;
    if (reply.kind == RESP_ERROR)
        return refused(s, &reply, why);
    if (reply.kind != RESP_BULK || json_check(reply.text, reply.len, &info, why) != 0)
        return err_set(why, ERR_PROTOCOL, "INFO is not answered with JSON");
    server = member(info, "server");
    copy_member(server, "faktory_version", s->version, sizeof s->version);
    if (json_read_int64(member(server, "connections"), &s->connections) != 0)
        s->connections = -1;
    compare_clocks(s, info, asked_ms, answered_ms);
    return 0;
}

/* ---- round trips ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The median of several: one alone may have met a stall. Far away, fewer have to do. */
static int measure(struct faktory *f, struct doctor_server *s, struct err_text *why)
{
    int64_t us[ROUND_TRIPS], deadline_ms = clock_ms() + ROUND_TRIPS_MS;
    struct resp_reply reply;
    size_t n = 0;

    while (n < ROUND_TRIPS && (n == 0 || clock_ms() < deadline_ms)) {
        int64_t before_us = clock_us();
        int code = faktory_call(f, ROUND_TRIP, &reply, why);

        if (code != 0)
            return code;
        us[n++] = clock_us() - before_us;
    }
    qsort(us, n, sizeof us[0], by_size);
    s->rtt_us = us[n / 2];
    s->rtt_max_us = us[n - 1];
    return 0;
}

/* ---- all of it ---- */

/* Did we reach something that answers, and answers otherwise than Faktory? */
static bool is_strange(int code)
{
    return code == ERR_PROTOCOL || code == ERR_CLOSED || code == ERR_TIMEOUT;
}

void doctor_gather_server(const struct faktory_settings *settings, const char *redis_socket,
                          struct doctor_server *s, struct doctor_storage *storage)
{
    struct err_text why = {""};
    struct faktory *f = faktory_connect(settings, NULL, &s->code, &why);

    url_redacted(&settings->url, s->place);
    s->greeted = f != NULL;
    if (!f && is_strange(s->code))
        s->stranger = stranger_ask(&settings->url, &settings->net);
    if (f && (s->code = ask_info(f, s, &why)) == 0)
        s->code = measure(f, s, &why);
    if (f && s->code == 0)
        redis_look(faktory_fd(f), redis_socket, storage);
    snprintf(s->why, sizeof s->why, "%s", why.text);
    if (s->code == 0 || s->code == ERR_REFUSED)
        faktory_close(f);
    else
        faktory_drop(f);
}

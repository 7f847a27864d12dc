// SPDX-License-Identifier: MIT
/* The checks of Faktory itself: is it there, which one is it, what time has it, how far is it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/fetch/consumer_shape.h"
#include "tools/wf/doctor.h"

enum {
    CLOCK_GOOD_MS =
        1000, /* a second more or less is nothing to `at`, which is looked at every 5 s */
    CLOCK_BAD_MS = 60000,
    HANDSHAKE_MS = 2000, /* Faktory ends a handshake that takes longer */
    CONNECT_ROUND_TRIPS = 10,
    BUDGET_PERCENT = 80,
};

/* ---- is it there? ---- */

static const char *const strangers[] = {
    [STRANGER_TLS] = "What listens there wants TLS, which is not spoken yet. Let Faktory serve "
                     "without it (private.key.pem and public.cert.pem out of its configuration "
                     "folder) and use a tunnel, such as WireGuard or ssh -L.",
    [STRANGER_HTTP] = "What listens there is a web server. Faktory's web page is on 7420, jobs go "
                      "to the port beside it, 7419: correct FAKTORY_URL.",
    [STRANGER_REDIS] = "What listens there is a Redis. Faktory speaks a protocol of its own, on "
                       "7419 unless told otherwise: correct FAKTORY_URL.",
    [STRANGER_UNKNOWN] = "Is FAKTORY_URL right, host and port? Something listens there and does "
                         "not speak like Faktory.",
};

static const char *advice(const struct doctor_server *s)
{
    if (s->full)
        return "Faktory takes 2000 connections in all and has as many: find out whose they are "
               "(its "
               "page, Busy) and let those programs keep fewer.";
    if (s->greeted)
        return "It takes connections and does not get its work done. Its log says why, or "
               "redis.log "
               "in its storage folder. With 2000 connections it refuses more, at times without a "
               "word.";
    if (s->code == ERR_REFUSED && strstr(s->why, "wants a password"))
        return "Set FAKTORY_PASSWORD to the password of Faktory, as it is, or to the path of a "
               "file "
               "with it.";
    if (s->code == ERR_REFUSED)
        return "Compare the password, in FAKTORY_PASSWORD or in FAKTORY_URL, with that of Faktory "
               "(its variable FAKTORY_PASSWORD, or /etc/faktory/password). FAKTORY_PASSWORD has it "
               "as it is, or the path of a file with it; in FAKTORY_URL, characters that mean "
               "something in a URL are written %XX.";
    if (s->code == ERR_IO)
        return "Start Faktory there, or let FAKTORY_URL say where it is. Started without -b it "
               "listens for its own machine only; a firewall must let port 7419 through.";
    return strangers[s->stranger];
}

void doctor_check_faktory(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct doctor_server *s = &facts->server;

    if (s->code == 0)
        doctor_found(r, DOCTOR_OK, "Faktory answers at %s.", s->place);
    else
        doctor_change(doctor_found(r, DOCTOR_BROKEN, "%s: %s.", s->place, s->why), "%s", advice(s));
}

/* ---- version ---- */

static const struct {
    int major, minor, patch; /* versions before this one ... */
    const char *lack;        /* ... lack this */
} lacks[] = {
    {1, 6, 0, "it does not know PUSHB, with which api-service stores jobs"},
    {1, 9, 2,
     "it does not know QUEUE LATENCY, which GET /ready asks: the API would never be ready"},
};

static bool is_before(const int v[3], int major, int minor, int patch)
{
    if (v[0] != major)
        return v[0] < major;
    return v[1] != minor ? v[1] < minor : v[2] < patch;
}

void doctor_check_version(const struct doctor_facts *facts, struct doctor_report *r)
{
    const char *text = facts->server.version;
    int v[3];

    /* NOLINTNEXTLINE(cert-err34-c): at most four digits each, so nothing overflows */
    if (sscanf(text, "%4d.%4d.%4d", &v[0], &v[1], &v[2]) != 3) {
        doctor_change(doctor_found(r, DOCTOR_ADVICE, "Faktory calls its version \"%s\".", text),
                      "This program knows 1.9.4. See to it that it is a Faktory of 1.9.");
        return;
    }
    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++)
        if (is_before(v, lacks[i].major, lacks[i].minor, lacks[i].patch)) {
            doctor_change(
                doctor_found(r, DOCTOR_BROKEN, "Faktory is version %s: %s.", text, lacks[i].lack),
                "Run Faktory 1.9.4.");
            return;
        }
    if (is_before(v, 1, 10, 0))
        doctor_found(r, DOCTOR_OK, "Faktory is version %s.", text);
    else
        doctor_change(
            doctor_found(r, DOCTOR_ADVICE,
                         "Faktory is version %s, newer than what this program was tried with.",
                         text),
            "Run Faktory 1.9.4, or try jobs through all of it before you rely on it. Jobs that "
            "1.9 has queued may be invisible to 1.10: let queues run empty before an upgrade.");
}

/* ---- clocks ---- */

/* "1 h 0 min", "75 s", "1.250 s" */
static void show_span(int64_t ms, char *out, size_t room)
{
    if (ms >= 2 * 3600000LL || (ms >= 3600000 - CLOCK_BAD_MS && ms >= CLOCK_BAD_MS))
        snprintf(out, room, "%" PRId64 " h %" PRId64 " min", (ms + 30000) / 3600000,
                 (ms + 30000) % 3600000 / 60000);
    else
        snprintf(out, room, "%" PRId64 ".%03" PRId64 " s", ms / 1000, ms % 1000);
}

void doctor_check_clock(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct doctor_server *s = &facts->server;
    int64_t off_ms = s->ahead_ms < 0 ? -s->ahead_ms : s->ahead_ms;
    const char *way = s->ahead_ms < 0 ? "behind" : "ahead of";
    struct doctor_finding *f;
    char span[48];

    if (!s->has_clock) {
        doctor_change(doctor_found(r, DOCTOR_ADVICE, "Faktory does not say what time it has."),
                      "Compare the clocks by hand.");
        return;
    }
    show_span(off_ms, span, sizeof span);
    if (off_ms <= CLOCK_GOOD_MS + s->rtt_us / 1000) {
        doctor_found(r, DOCTOR_OK, "Faktory's clock and this machine's differ by %s, or less.",
                     span);
        return;
    }
    f = doctor_found(r, off_ms > CLOCK_BAD_MS ? DOCTOR_BROKEN : DOCTOR_ADVICE,
                     "Faktory's clock is %s %s this machine's: jobs with \"at\" from here would "
                     "start that much too %s.",
                     span, way, s->ahead_ms < 0 ? "late" : "early");
    doctor_change(f, "Set the one that is wrong by NTP (timedatectl set-ntp true, or chrony), and "
                     "look at its time zone if it keeps local time.");
}

/* ---- round trip ---- */

/* Of a worker with these settings, at the round trip that was measured. */
static struct consumer_shape shape(const struct doctor_facts *facts)
{
    int64_t lanes = facts->settings.worker.connections;

    return consumer_shape(lanes == ENV_AUTO ? 0 : (unsigned)lanes, facts->server.rtt_us);
}

static int64_t window(const struct worker_config *w)
{
    return w->prefetch == ENV_AUTO ? CONSUMER_WINDOW_AUTO : w->prefetch;
}

/*
 * What can be fetched within a round trip is what is in flight: lanes x window. When that is less
 * than rate x round trip, the network and not the threads is the limit.
 */
static void check_windows(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct worker_config *w = &facts->settings.worker;
    int64_t rate = facts->settings.rate,
            rtt_us = facts->server.rtt_us > 0 ? facts->server.rtt_us : 1;
    int64_t lanes = shape(facts).lanes, lanes_auto = consumer_shape(0, rtt_us).lanes;
    int64_t have = lanes * window(w), need = (rate * rtt_us + 999999) / 1000000;
    int64_t auto_lanes = lanes > lanes_auto ? lanes : lanes_auto, each;
    struct doctor_finding *f;

    if (have >= need) {
        doctor_found(r, DOCTOR_OK,
                     "%" PRId64 " FETCHes may be in flight (%" PRId64 " lanes x %" PRId64
                     "), and %" PRId64 " jobs/s ask for %" PRId64 ".",
                     have, lanes, window(w), rate, need);
        return;
    }
    f = doctor_found(r, DOCTOR_ADVICE,
                     "%" PRId64 " lane%s with at most %" PRId64
                     " FETCHes in flight each: no more than %" PRId64
                     " jobs/s can be fetched over this round trip, by one worker.",
                     lanes, lanes == 1 ? "" : "s", window(w), have * 1000000 / rtt_us);
    each = (need + auto_lanes - 1) / auto_lanes;
    if (each <= CONSUMER_WINDOW_AUTO && lanes <= lanes_auto)
        doctor_change(f,
                      "For %" PRId64 " jobs/s (--rate says another figure) %" PRId64
                      " must be in flight: leave WORKER_CONNECTIONS and WORKER_PREFETCH at auto.",
                      rate, need);
    else if (each <= WORKER_WINDOW_MAX)
        doctor_change(f,
                      "For %" PRId64 " jobs/s (--rate says another figure) %" PRId64
                      " must be in flight: set WORKER_CONNECTIONS=%" PRId64
                      " and WORKER_PREFETCH=%" PRId64 ", as in env/.env.wan.",
                      rate, need, auto_lanes, each);
    else
        doctor_change(f,
                      "For %" PRId64 " jobs/s (--rate says another figure) %" PRId64
                      " must be in flight: that is more than %" PRId64
                      " lanes of %d. Use more lanes, or several workers.",
                      rate, need, auto_lanes, WORKER_WINDOW_MAX);
}

/* Time-outs that leave no room for a connection over this way. */
static void check_time_outs(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct net_options *net = &facts->settings.worker.faktory.net;
    int64_t rtt_ms = facts->server.rtt_max_us / 1000;

    if (2 * rtt_ms > HANDSHAKE_MS)
        doctor_change(doctor_found(r, DOCTOR_BROKEN,
                                   "Faktory ends a handshake that takes %d s, and round trips of "
                                   "%" PRId64 " ms were seen.",
                                   HANDSHAKE_MS / 1000, rtt_ms),
                      "Find what holds the packets up, or run Faktory nearer.");
    if (net->connect_ms < CONNECT_ROUND_TRIPS * rtt_ms)
        doctor_change(doctor_found(r, DOCTOR_ADVICE,
                                   "FAKTORY_CONNECTION_TIMEOUT (%" PRId64
                                   " ms) is short for round trips of %" PRId64 " ms.",
                                   net->connect_ms, rtt_ms),
                      "Set FAKTORY_CONNECTION_TIMEOUT=%" PRId64 "s or more, as in env/.env.wan.",
                      (CONNECT_ROUND_TRIPS * rtt_ms + 999) / 1000);
}

void doctor_check_round_trip(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct doctor_server *s = &facts->server;

    doctor_found(r, DOCTOR_OK, "The round trip to Faktory is %.1f ms (median), %.1f ms at most.",
                 (double)s->rtt_us / 1000, (double)s->rtt_max_us / 1000);
    check_windows(facts, r);
    check_time_outs(facts, r);
}

/* ---- connections ---- */

void doctor_check_connections(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct doctor_settings *set = &facts->settings;
    int64_t now = facts->server.connections - 1; /* ours */
    int64_t worker = shape(facts).connections;
    int64_t sum = now + set->api.connections + set->workers * worker;
    struct doctor_finding *f;

    if (facts->server.connections < 0) {
        doctor_change(doctor_found(r, DOCTOR_ADVICE,
                                   "Faktory does not say how many connections "
                                   "it has."),
                      "It refuses the one after %d.", FAKTORY_CONNECTIONS_MAX);
        return;
    }
    f = doctor_found(r,
                     sum > FAKTORY_CONNECTIONS_MAX                                   ? DOCTOR_BROKEN
                     : sum * 100 > (int64_t)FAKTORY_CONNECTIONS_MAX * BUDGET_PERCENT ? DOCTOR_ADVICE
                                                                                     : DOCTOR_OK,
                     "Faktory has %" PRId64
                     " of %d connections; an api-service with these settings "
                     "adds %" PRId64 ", and %" PRId64 " worker-service%s %" PRId64 " each.",
                     now, FAKTORY_CONNECTIONS_MAX, set->api.connections, set->workers,
                     set->workers == 1 ? "" : "s", worker);
    if (f->level != DOCTOR_OK)
        doctor_change(f,
                      "Lower WORKER_CONNECTIONS or FAKTORY_MAX_CONNECTIONS, run fewer workers "
                      "with more threads each, or find out who else has connections: Faktory "
                      "refuses the %dst.",
                      FAKTORY_CONNECTIONS_MAX + 1);
}

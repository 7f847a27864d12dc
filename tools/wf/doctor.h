// SPDX-License-Identifier: MIT
/*
 * doctor - what is found out about an installation, and what is said about it.
 *
 * Three steps, so that each can be tested by itself: doctor_gather_*() measure and fill in facts
 * (they ask Faktory, the API and /proc); the checks of one table look at facts alone and add
 * findings; the command prints these. Nothing here changes anything anywhere. Main thread.
 */
#ifndef TOOLS_WF_DOCTOR_H
#define TOOLS_WF_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/config.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/faktory/faktory.h"
#include "common/service/limits.h"
#include "worker/config.h"

/* ---- facts ---- */

/* The settings that the services would start with, here and now. */
struct doctor_settings {
    struct buf errors; /* a line for each bad value, as the services themselves print it */
    struct buf typos;  /* a line "WORKER_CONCURENCY WORKER_CONCURRENCY" for each near miss */
    struct worker_config worker;
    struct api_config api;
    int64_t rate;    /* jobs a second that are wanted */
    int64_t workers; /* worker-services that are planned, all of them alike */
};

/* What else listens where Faktory was expected. */
enum doctor_stranger { STRANGER_UNKNOWN, STRANGER_TLS, STRANGER_HTTP, STRANGER_REDIS };

struct doctor_server {
    int code; /* of connecting and INFO; 0: all below is known */
    char why[256];
    char place[URL_SHOWN_MAX];     /* the URL without its password */
    enum doctor_stranger stranger; /* without a greeting that is like Faktory's */
    bool greeted;                  /* it shook hands: what failed, failed after that */
    bool full;                     /* it refuses connections: there are too many */
    char version[32];
    int64_t connections; /* ours included */
    bool has_clock;
    int64_t ahead_ms; /* Faktory's clock minus this machine's */
    int64_t rtt_us, rtt_max_us;
};

/* How far the look at Faktory's Redis got. */
enum doctor_storage_sight {
    STORAGE_SEEN,
    STORAGE_FAR,    /* Faktory is on another machine, or behind something that is not Faktory */
    STORAGE_HIDDEN, /* its process belongs to another user */
    STORAGE_MUTE,   /* its socket is known and does not answer; `why` */
};

struct doctor_storage {
    enum doctor_storage_sight sight;
    char socket[PATH_MAX]; /* of Redis, as a person would name it; "" while not known */
    char why[256];
    bool append_only;   /* appendonly yes */
    bool append_good;   /* its last write */
    bool snapshot_good; /* the last RDB file */
    int64_t unsaved;    /* changes that are in no RDB file yet */
};

struct doctor_machine {
    struct limit threads[LIMITS_MAX], memory[LIMITS_MAX];
    size_t n_threads, n_memory;
    int64_t files; /* as many as a program may open when it raises its limit; -1: without end */
};

struct doctor_api {
    const char *url;
    bool named;    /* somebody said where it is */
    int status;    /* of GET /ready; 0: it could not be asked */
    char why[256]; /* without status 200: what it or the system said */
};

struct doctor_facts {
    struct doctor_settings settings;
    struct doctor_server server;
    struct doctor_storage storage;
    struct doctor_machine machine;
    struct doctor_api api;
};

/* Reads both services' tables from the environment. */
void doctor_gather_settings(struct doctor_settings *s);
void doctor_fini_settings(struct doctor_settings *s);

/*
 * Connects, asks one INFO and measures round trips; then looks for Faktory's Redis, at
 * `redis_socket` (NULL: found through /proc, when Faktory runs on this machine). Blocks for the
 * time-outs of the settings at the most.
 */
void doctor_gather_server(const struct faktory_settings *settings, const char *redis_socket,
                          struct doctor_server *server, struct doctor_storage *storage);

void doctor_gather_machine(struct doctor_machine *m);

/* ---- findings ---- */

enum doctor_level { DOCTOR_OK, DOCTOR_ADVICE, DOCTOR_BROKEN };
enum { DOCTOR_TEXT_MAX = 640 };

struct doctor_finding {
    const char *check;
    enum doctor_level level;
    char found[DOCTOR_TEXT_MAX];
    char change[DOCTOR_TEXT_MAX]; /* "" when all is well */
};

struct doctor_report {
    struct doctor_finding *findings;
    size_t n, room;
    const char *check;           /* whose findings are being added */
    struct doctor_finding spill; /* takes them when there is no memory */
    bool failed;                 /* that happened */
};

/* Adds a finding of the check that runs; then, for what is not well, doctor_change() says what to
 * do about it. */
__attribute__((format(printf, 3, 4))) struct doctor_finding *
doctor_found(struct doctor_report *r, enum doctor_level level, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void doctor_change(struct doctor_finding *f, const char *fmt,
                                                         ...);

/* The worst level of all findings. */
enum doctor_level doctor_worst(const struct doctor_report *r);
void doctor_report_fini(struct doctor_report *r);

/* ---- checks ---- */

struct doctor_check {
    const char *name;
    const char *about; /* one line, for help */
    bool needs_server; /* is left out when Faktory does not answer */
    void (*run)(const struct doctor_facts *facts, struct doctor_report *r);
};

extern const struct doctor_check doctor_checks[];
extern const size_t doctor_checks_n;

/* In doctor_<what>.c; the table has them in the order in which they are shown. */
void doctor_check_settings(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_faktory(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_version(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_storage(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_clock(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_round_trip(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_connections(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_threads(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_memory(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_files(const struct doctor_facts *facts, struct doctor_report *r);
void doctor_check_api(const struct doctor_facts *facts, struct doctor_report *r);

#endif

// SPDX-License-Identifier: MIT
/* What this machine gives to a program: threads, memory, open files. */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "common/fetch/consumer_shape.h"
#include "tools/wf/doctor.h"
#include "worker/handler_job.h"

enum {
    STACK_BYTES = 2 * HANDLER_STACK_BYTES, /* of a handler's thread in worker-service */
    THREADS_OTHER = 2,                     /* main, and http for metrics */
    /* What a handler's thread takes while it does nothing: 8 KiB of pages that it has touched, 16
     * of stack in the kernel, and the kernel's records of it; 33 in all were seen with 5,000. */
    THREAD_BYTES = 40 << 10,
    PROGRAM_BYTES = 8 << 20,
    FILES_OTHER = 128, /* of api-service, for what is no client */
};

void doctor_gather_machine(struct doctor_machine *m)
{
    struct rlimit files;

    m->n_threads = limits_threads("", STACK_BYTES, m->threads);
    m->n_memory = limits_memory("", m->memory);
    /* api-service raises its own limit as far as it is allowed to */
    m->files = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY
                   ? (int64_t)files.rlim_max
                   : -1;
}

/* ---- threads ---- */

static const char *how_to_raise(const char *limit)
{
    static const struct {
        const char *name, *how;
    } hows[] = {
        {"ulimit -u", "nproc in /etc/security/limits.conf, LimitNPROC= in a systemd unit"},
        {"ulimit -v", "`ulimit -v unlimited`, LimitAS= in a systemd unit"},
        {"/sys/fs/cgroup", "TasksMax= of the systemd unit or slice, --pids-limit of the container"},
        {"kernel.threads-max", "sysctl kernel.threads-max"},
        {"kernel.pid_max", "sysctl kernel.pid_max"},
        {"vm.max_map_count", "sysctl vm.max_map_count"},
    };

    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++)
        if (strncmp(limit, hows[i].name, strlen(hows[i].name)) == 0)
            return hows[i].how;
    return "the system's settings";
}

void doctor_check_threads(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct limit *least = limits_tightest(facts->machine.threads, facts->machine.n_threads);
    int64_t other = CONSUMER_THREADS + THREADS_OTHER;
    int64_t handlers = facts->settings.worker.concurrency, fit;
    struct doctor_finding *f;

    if (!least) {
        doctor_change(doctor_found(r, DOCTOR_ADVICE, "What limits threads here cannot be read."),
                      "Is /proc mounted?");
        return;
    }
    if (least->room >= handlers + other) {
        doctor_found(r, DOCTOR_OK,
                     "A worker takes %" PRId64 " threads (WORKER_CONCURRENCY=%" PRId64
                     "); there is room for %" PRId64 " (%s %" PRId64 "), for this user, from here.",
                     handlers + other, handlers, least->room, least->name, least->most);
        return;
    }
    f = doctor_found(r, DOCTOR_BROKEN,
                     "A worker takes %" PRId64 " threads (WORKER_CONCURRENCY=%" PRId64
                     "), and %s %" PRId64 " leaves room for %" PRId64 ", for this user, from here.",
                     handlers + other, handlers, least->name, least->most, least->room);
    fit = least->room - other;
    if (fit > 0)
        doctor_change(f, "Raise it (%s), or set WORKER_CONCURRENCY=%" PRId64 " or less.",
                      how_to_raise(least->name), fit);
    else
        doctor_change(f, "Raise it (%s): not even one handler fits.", how_to_raise(least->name));
}

/* ---- memory ---- */

static int64_t mib(int64_t bytes)
{
    return (bytes + (1 << 20) - 1) >> 20;
}

void doctor_check_memory(const struct doctor_facts *facts, struct doctor_report *r)
{
    const struct limit *least = limits_tightest(facts->machine.memory, facts->machine.n_memory);
    int64_t need = PROGRAM_BYTES + facts->settings.worker.concurrency * THREAD_BYTES;
    enum doctor_level level;

    if (!least) {
        doctor_change(doctor_found(r, DOCTOR_ADVICE, "Free memory cannot be read here."),
                      "Is /proc mounted?");
        return;
    }
    level = need > least->room ? DOCTOR_BROKEN : need > least->room / 2 ? DOCTOR_ADVICE : DOCTOR_OK;
    struct doctor_finding *f =
        doctor_found(r, level,
                     "A worker with WORKER_CONCURRENCY=%" PRId64 " takes some %" PRId64
                     " MiB before its handlers take any; %" PRId64 " MiB are free (%s).",
                     facts->settings.worker.concurrency, mib(need), least->room >> 20, least->name);
    if (level != DOCTOR_OK)
        doctor_change(f, "Lower WORKER_CONCURRENCY: a thread for each core is enough for jobs that "
                         "compute, rate x seconds for jobs that wait. Or give it more memory.");
}

/* ---- open files ---- */

void doctor_check_files(const struct doctor_facts *facts, struct doctor_report *r)
{
    int64_t clients = facts->settings.api.connections_max, have = facts->machine.files;

    if (have < 0 || have >= clients + FILES_OTHER)
        doctor_found(r, DOCTOR_OK, "There are open files for API_CONNECTIONS_MAX=%" PRId64 ".",
                     clients);
    else
        doctor_change(doctor_found(r, DOCTOR_ADVICE,
                                   "api-service may open %" PRId64
                                   " files, for this user: too few for API_CONNECTIONS_MAX=%" PRId64
                                   ". It would serve fewer clients at once.",
                                   have, clients),
                      "Raise the hard limit (nofile in /etc/security/limits.conf, LimitNOFILE= in "
                      "a systemd unit) to %" PRId64 ", or lower API_CONNECTIONS_MAX.",
                      clients + FILES_OTHER);
}

// SPDX-License-Identifier: MIT
#include "worker/worker.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/service/notify.h"
#include "common/service/signals.h"
#include "worker/config.h"
#include "worker/crew.h"
#include "worker/handler_job.h"
#include "worker/metrics.h"
#include "worker/runner.h"
#include "worker/shutdown.h"
#include "worker/status.h"
#include "worker/watch.h"

enum {
    EXIT_GOOD = 0,
    EXIT_TROUBLE = 1,
    EXIT_WRONG = 2,

    LOOK_FIRST_MS = 50, /* how often main looks around, before and after it is connected */
    LOOK_MS = 250,
    PAGE_CLOSE_MS = 500,
};

/* What a handler is promised, and the same again for logging and telling the consumer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { STACK_BYTES = 16 * HANDLER_STACK_BYTES };
#else
enum { STACK_BYTES = 2 * HANDLER_STACK_BYTES };
#endif

struct worker {
    struct worker_config config;
    char hostname[256];

    struct metrics *metrics;
    struct consumer_metrics consumer_metrics;
    struct packs_metrics packs_metrics;
    struct counter *handed_back;
    struct worker_sources sources;

    struct registry *registry;
    struct runner *runner;
    struct crew *crew;
    struct consumer *consumer;
    struct status status;
    struct http_server *page;

    struct watch watch;
    struct notify manager;
    _Atomic int wish; /* enum consumer_wish; written by the heartbeat's thread */
};

/* ---- what the consumer calls ---- */

/* A lane's thread. A crew refuses jobs only once it is closed: long after `consumer` was set. */
static void deliver(void *ctx, struct job *job)
{
    struct worker *w = ctx;

    if (crew_add(w->crew, job))
        return;
    consumer_hand_back(w->consumer, job);
    counter_add(w->handed_back, 1);
}

static void wished(void *ctx, enum consumer_wish wish)
{
    struct worker *w = ctx;

    atomic_store(&w->wish, (int)wish);
}

/* ---- start ---- */

static void log_start(struct worker *w)
{
    const struct worker_config *c = &w->config;
    char url[URL_SHOWN_MAX];
    struct buf names = BUF_INIT(0);

    url_redacted(&c->faktory.url, url);
    registry_names(w->registry, &names);
    log_info("Starting %s %s", worker_program.name, worker_program.version);
    log_info("Faktory URL: %s", url);
    log_info("Concurrency: %" PRId64 " jobs per worker", c->concurrency);
    log_info("Queues: %s", c->queues);
    log_info("Registered handlers: %s", buf_str(&names));
    buf_fini(&names);
}

static int start_metrics(struct worker *w, struct err_text *why)
{
    if (!(w->metrics = metrics_new()) ||
        worker_metrics_make(w->metrics, &w->consumer_metrics, &w->handed_back) != 0 ||
        worker_metrics_make_packs(w->metrics, &w->packs_metrics) != 0)
        return err_set(why, ERR_NOMEM, "no memory for metrics");
    w->packs_metrics.handed_back = w->handed_back;
    return 0;
}

static int start_crew(struct worker *w, const struct registry_row *rows, size_t n_rows,
                      struct err_text *why)
{
    struct crew_options options = {
        .threads = (unsigned)w->config.concurrency,
        .waiting_max =
            (unsigned)w->config.concurrency + (unsigned)(WORKER_LANES_MAX * WORKER_WINDOW_MAX),
        .stack_bytes = STACK_BYTES,
        .run = runner_run,
    };

    if (!(w->registry = registry_new(rows, n_rows, w->metrics)) ||
        !(w->runner = runner_new(w->registry, &w->packs_metrics)))
        return err_set(why, ERR_NOMEM, "no memory for the handlers");
    log_start(w);
    options.ctx = w->runner;
    w->crew = crew_start(&options, why);
    return w->crew ? 0 : ERR_NOMEM;
}

static unsigned or_auto(int64_t setting)
{
    return setting == ENV_AUTO ? 0 : (unsigned)setting;
}

static int start_consumer(struct worker *w, struct err_text *why)
{
    const struct worker_config *c = &w->config;
    struct consumer_options options = {
        .settings = &c->faktory,
        .hostname = w->hostname,
        .labels = buf_str(&c->label_json),
        .queues = c->queue_names,
        .n_queues = c->n_queues,
        .lanes = or_auto(c->connections),
        .window_max = or_auto(c->prefetch),
        .capacity = (unsigned)c->concurrency,
        .poll_interval_ms = c->poll_interval_ms,
        .deliver = deliver,
        .wished = wished,
        .ctx = w,
        .metrics = w->consumer_metrics,
    };

    if (gethostname(w->hostname, sizeof w->hostname - 1) != 0 || !*w->hostname)
        strcpy(w->hostname, "unknown");
    if (consumer_start(&options, &w->consumer) != 0)
        return err_set(why, ERR_NOMEM, "no memory or no threads for the connections to Faktory");
    runner_connect(w->runner, w->consumer, w->crew);
    crew_open(w->crew);
    return 0;
}

static int start_page(struct worker *w, struct err_text *why)
{
    const char *addr = w->config.metrics_addr;
    int host_len = (int)(strrchr(addr, ':') ? strrchr(addr, ':') - addr : 0);

    w->status.consumer = w->sources.consumer = w->consumer;
    w->status.crew = w->sources.crew = w->crew;
    w->status.metrics = w->metrics;
    w->status.started_ms = w->watch.started_ms;
    if (!*addr)
        return 0;
    if (worker_metrics_watch(w->metrics, &w->sources) != 0)
        return err_set(why, ERR_NOMEM, "no memory for metrics");
    if (!(w->page = status_start(&w->status, addr, why)))
        return ERR_IO;
    log_info("metrics on %.*s:%u", host_len, addr, http_port(w->page));
    return 0;
}

static int start(struct worker *w, const struct registry_row *rows, size_t n_rows)
{
    struct err_text why = {""};

    w->watch.started_ms = clock_ms();
    if (start_metrics(w, &why) == 0 && start_crew(w, rows, n_rows, &why) == 0 &&
        start_consumer(w, &why) == 0 && start_page(w, &why) == 0)
        return 0;
    log_error("cannot start: %s", why.text);
    notify_status(&w->manager, "cannot start: %s", why.text);
    return ERR_IO;
}

/* ---- life ---- */

static void tell_manager(struct worker *w, const struct consumer_state *s)
{
    struct crew_state crew;

    crew_look(w->crew, &crew); /* takes its lock: a crew that holds it for good stops us here */
    notify_status(&w->manager, "threads: %u%s; connections to Faktory: %u of %u", crew.threads,
                  atomic_load(&w->status.phase) == STATUS_QUIET ? ", quiet" : "", s->connections_up,
                  s->connections);
    notify_alive(
        &w->manager,
        (struct notify_part[]){{"consumer-tick", s->late_ms}, {"http", http_late_ms(w->page)}}, 2);
}

static void look_around(struct worker *w)
{
    struct consumer_state s;
    int64_t now_ms = clock_ms();

    consumer_look(w->consumer, &s);
    tell_manager(w, &s);
    switch (watch_step(&w->watch, &s, now_ms)) {
    case WATCH_CONNECTED:
        log_info("Worker connected and ready to process jobs lanes=%u connections=%u", s.lanes,
                 s.connections);
        break;
    case WATCH_SILENT:
        log_warn("nothing heard from Faktory, still trying silent_s=%" PRId64
                 " connections_up=%u connections=%u jobs_in_hand=%u outcomes_waiting=%u",
                 watch_silence_ms(&s, w->watch.started_ms, now_ms) / 1000, s.connections_up,
                 s.connections, s.in_hand, s.settling);
        break;
    case WATCH_BACK:
        log_info("Faktory is heard again connections_up=%u", s.connections_up);
        break;
    case WATCH_NOTHING:
        break;
    }
}

static void be_quiet(struct worker *w, const char *reason)
{
    if (atomic_exchange(&w->status.phase, STATUS_QUIET) != STATUS_RUNNING)
        return;
    log_info("quiet: no more jobs are fetched, those in hand go on (%s)", reason);
    consumer_quiet(w->consumer, CONSUMER_QUIET);
}

/* Waits until somebody wants the worker to stop, and returns who. */
static const char *live(struct worker *w)
{
    for (;;) {
        int64_t look_ms = clock_ms() + (w->watch.connected ? LOOK_MS : LOOK_FIRST_MS);
        int number = signals_wait(clock_earlier(look_ms, notify_next_ms(&w->manager)));
        int wish = atomic_load(&w->wish);

        look_around(w);
        if (number == SIGTERM)
            return "SIGTERM";
        if (number == SIGINT)
            return "SIGINT";
        if (wish == CONSUMER_TERMINATE)
            return "asked by Faktory";
        if (number == SIGTSTP)
            be_quiet(w, "SIGTSTP");
        if (wish == CONSUMER_QUIET)
            be_quiet(w, "asked by Faktory");
    }
}

/* ---- stop ---- */

/* The parts that only this function's caller uses any more, in reverse order of their start. */
static void free_parts(struct worker *w)
{
    notify_close(&w->manager);
    runner_free(w->runner);
    registry_free(w->registry);
    metrics_free(w->metrics);
    worker_config_fini(&w->config);
}

static int stop(struct worker *w, const char *reason)
{
    struct shutdown_plan plan = shutdown_plan(clock_ms(), w->config.shutdown_ms);
    struct shutdown s = {.consumer = w->consumer,
                         .crew = w->crew,
                         .runner = w->runner,
                         .handed_back = w->handed_back};
    int code;

    signals_exit_on_second();
    notify_stopping(&w->manager, w->config.shutdown_ms);
    atomic_store(&w->status.phase, STATUS_STOPPING);
    log_info("Shutdown signal received, stopping worker (%s)", reason);
    code = shutdown_run(&s, &plan) ? EXIT_GOOD : EXIT_TROUBLE;
    http_stop(w->page, clock_ms() + PAGE_CLOSE_MS);
    consumer_stop(w->consumer, plan.end_ms);
    if (!crew_stop(w->crew, clock_ms()))
        _exit(code); /* handlers that did not end still use what would be freed */
    free_parts(w);
    return code;
}

/* Takes down what was started before the start failed; no job can have come yet. */
static int give_up(struct worker *w)
{
    int64_t now_ms = clock_ms();

    if (w->crew)
        crew_close(w->crew);
    if (w->consumer)
        consumer_stop(w->consumer, now_ms);
    if (!crew_stop(w->crew, now_ms))
        _exit(EXIT_TROUBLE);
    free_parts(w);
    return EXIT_TROUBLE;
}

int worker_main(int argc, char **argv, const struct registry_row *rows, size_t n_rows)
{
    struct worker w = {.config = {.n_queues = 0}};
    struct err_text why = {""};
    sigset_t signals;
    int code = options_start(&worker_program, argc, argv, &w.config);

    if (code >= 0)
        return code;
    log_setup((enum log_level)w.config.log_level, (enum log_format)w.config.log_format);
    if (worker_config_finish(&w.config, &why) != 0) {
        log_error("%s", why.text);
        return EXIT_WRONG;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTSTP);
    signals_setup(&signals);
    notify_open(&w.manager);
    if (start(&w, rows, n_rows) != 0)
        return give_up(&w);
    notify_ready(&w.manager);
    return stop(&w, live(&w));
}

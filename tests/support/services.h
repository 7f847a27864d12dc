// SPDX-License-Identifier: MIT
/*
 * services - api-service and worker-service as a user starts them, from the build that the test
 * belongs to ($WF_BUILD/bin; by hand: the build folder that this program lies in).
 *
 * They see none of the tester's own settings: variables of ours in the environment are removed,
 * then come those that the harness needs (FAKTORY_URL, DATA_DIR, addresses with port 0), then the
 * caller's, which win. Start them from the test's own thread (see process.h).
 */
#ifndef TESTS_SUPPORT_SERVICES_H
#define TESTS_SUPPORT_SERVICES_H

#include "common/base/err.h"
#include "tests/support/process.h"

struct faktory_server;
struct service;

/*
 * Starts the API against this server and waits until GET /ready answers 200. `env`: "NAME=value",
 * NULL at the end; may be NULL. NULL with the reason on failure; its log then goes to stderr.
 */
struct service *service_start_api(const struct faktory_server *faktory, const char *const *env,
                                  struct err_text *why);

/* Starts a worker and waits until it says that it is connected. */
struct service *service_start_worker(const struct faktory_server *faktory, const char *const *env,
                                     struct err_text *why);

/*
 * Starts `program` ("api-service") with these arguments (NULL at the end, without argv[0]; may be
 * NULL) and waits for nothing: for --help, bad settings, an unreachable Faktory (`url`; NULL: none
 * is set).
 */
struct service *service_start(const char *program, const char *const *args, const char *url,
                              const char *const *env, struct err_text *why);

/* Waits for a line `<what> on 127.0.0.1:PORT` in the log ("listening", "metrics"): the port, or 0.
 */
int service_wait_port(struct service *s, const char *what, int timeout_ms);

/* The port of the API, or of the worker's metrics when its log named it before "ready"; else 0. */
int service_port(const struct service *s);

struct process *service_process(struct service *s);

/* SIGTERM and wait. The exit status (0 when all is well); 137 when it had to be killed after a
 * minute. */
int service_stop(struct service *s);

/* Kills what still runs, removes its data, frees. NULL is allowed. */
void service_free(struct service *s);

#endif

// SPDX-License-Identifier: MIT
/*
 * contest - starts those that are measured: our services, and the programs on other clients that
 * `make peers` builds. Main thread.
 */
#ifndef TOOLS_BENCH_CONTEST_H
#define TOOLS_BENCH_CONTEST_H

#include "tools/bench/bench.h"
#include "tools/bench/child.h"

enum { CONTEST_PORT_MAX = 8 };

/* True when there is such a worker here: "ours", "go" or "rust". */
bool contest_has(const struct bench *b, const char *who);

/* Starts a worker with this many slots and one more `setting` ("NAME=VALUE" or NULL); `number`
 * tells several apart. Does not wait for it. */
struct child *contest_worker(const struct bench *b, const char *who, unsigned slots,
                             const char *setting, const char *faktory_url, unsigned number,
                             struct err_text *why);

/* Starts ours with its page of metrics, which costs it some memory; `port` is where that is. */
struct child *contest_open_worker(const struct bench *b, unsigned slots, const char *faktory_url,
                                  char port[CONTEST_PORT_MAX], struct err_text *why);

/* Ends a worker. 0, or an error when it did not end well; peers may end as they like. */
int contest_end(const char *who, struct child *worker, struct err_text *why);

struct contest_api {
    struct child *child;
    char port[CONTEST_PORT_MAX];
};

/* Starts api-service and waits until it says that Faktory is there. */
int contest_api_start(const struct bench *b, const char *faktory_url, struct contest_api *api,
                      struct err_text *why);
int contest_api_end(struct contest_api *api, struct err_text *why); /* never started: fine */

#endif

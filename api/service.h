// SPDX-License-Identifier: MIT
/* service - the parts of the API put together and taken apart again. Main thread only. */
#ifndef API_SERVICE_H
#define API_SERVICE_H

#include "api/config.h"
#include "common/base/err.h"
#include "common/service/notify.h"

struct service;

enum { SERVICE_TICK_MS = 500 };

/* Starts everything, in the order of dependence; does not wait for Faktory. NULL with `why` set.
 * `config` is borrowed and gets what api_config_finish() fills in. */
struct service *service_start(struct api_config *config, struct err_text *why);

/* To be called every SERVICE_TICK_MS, and when the manager wants a sign of life: looks after what
 * has waited too long, sees whether every part turns, and says so. */
void service_tick(struct service *s, struct notify *manager);

/* Takes no more requests, stores and answers what waits, by the time of API_SHUTDOWN_TIMEOUT, and
 * frees. */
void service_stop(struct service *s);

#endif

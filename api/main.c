// SPDX-License-Identifier: MIT
/* The API service: each start_* is one step; what they began is ended in reverse. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "api/service.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/service/signals.h"

enum { EXIT_CANNOT_START = 1 };

int main(int argc, char **argv)
{
    static struct api_config config; /* zeroed */
    struct service *service;
    struct notify manager;
    struct err_text why = {""};
    sigset_t stops;
    int code = options_start(&api_program, argc, argv, &config), number;

    if (code >= 0)
        return code;
    log_setup((enum log_level)config.log_level, (enum log_format)config.log_format);
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    signals_setup(&stops);
    notify_open(&manager);

    if (!(service = service_start(&config, &why))) {
        log_error("cannot start: %s", why.text);
        notify_status(&manager, "cannot start: %s", why.text);
        return EXIT_CANNOT_START;
    }
    notify_ready(&manager);
    do
        service_tick(service, &manager);
    while ((number = signals_wait(
                clock_earlier(clock_ms() + SERVICE_TICK_MS, notify_next_ms(&manager)))) == 0);
    log_info("stopping signal=%s", strsignal(number));
    signals_exit_on_second();
    notify_stopping(&manager, config.shutdown_ms);
    service_stop(service);
    notify_close(&manager);
    log_info("stopped");
    return EXIT_SUCCESS;
}

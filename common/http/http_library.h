// SPDX-License-Identifier: MIT
/*
 * http_library - libmicrohttpd; the one includer of its header. For common/http/ only.
 *
 * It is loaded when a server starts, not with the program: with all that it brings along it is
 * 2.7 MB of a process that may never serve HTTP, such as a worker without WORKER_METRICS_ADDR.
 */
#ifndef COMMON_HTTP_HTTP_LIBRARY_H
#define COMMON_HTTP_HTTP_LIBRARY_H

#include <microhttpd.h>

#include "common/base/err.h"

#define HTTP_LIBRARY_CALLS(X)                                                                      \
    X(add_response_header)                                                                         \
    X(create_response_from_buffer)                                                                 \
    X(destroy_response)                                                                            \
    X(get_connection_info)                                                                         \
    X(get_connection_values_n)                                                                     \
    X(get_daemon_info)                                                                             \
    X(get_timeout)                                                                                 \
    X(lookup_connection_value)                                                                     \
    X(queue_response)                                                                              \
    X(quiesce_daemon)                                                                              \
    X(resume_connection)                                                                           \
    X(run)                                                                                         \
    X(start_daemon)                                                                                \
    X(stop_daemon)                                                                                 \
    X(suspend_connection)

/* Each call without its MHD_: `run` is MHD_run. */
struct http_library {
#define DECLARE(name) __typeof__(MHD_##name) *(name);
    HTTP_LIBRARY_CALLS(DECLARE)
#undef DECLARE
};

/* Loads it, the first time; it stays. Servers are started one after the other. NULL with `why` set:
 * it is not installed. */
const struct http_library *http_library_load(struct err_text *why);

#endif

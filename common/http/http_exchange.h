// SPDX-License-Identifier: MIT
/*
 * http_exchange - what libmicrohttpd calls: each request on its way from its headers to a handler,
 * and its answer back. `cls` is the server. On the loop thread. For common/http/ only.
 */
#ifndef COMMON_HTTP_HTTP_EXCHANGE_H
#define COMMON_HTTP_HTTP_EXCHANGE_H

#include <stddef.h>

#include "common/http/http_library.h"

/* A connection is there, or gone (MHD_OPTION_NOTIFY_CONNECTION). */
void http_exchange_connection(void *cls, struct MHD_Connection *c, void **context,
                              enum MHD_ConnectionNotificationCode what);

/* A request line has come (MHD_OPTION_URI_LOG_CALLBACK). */
void *http_exchange_line(void *cls, const char *target, struct MHD_Connection *c);

/* A request goes a step further (the access handler). */
enum MHD_Result http_exchange_request(void *cls, struct MHD_Connection *c, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *size, void **state);

/* It is over (MHD_OPTION_NOTIFY_COMPLETED). */
void http_exchange_completed(void *cls, struct MHD_Connection *c, void **state,
                             enum MHD_RequestTerminationCode why);

#endif

// SPDX-License-Identifier: MIT
/*
 * settings_vars - the FAKTORY_* rows that every program with a connection to Faktory has in its
 * table of settings, so that names, defaults, limits and help cannot differ between programs.
 *
 * A program's config struct holds the URL as it was given, the password beside it and a struct
 * faktory_settings, and its table starts with
 *
 *     FAKTORY_SETTINGS_VARS(struct my_config, faktory_url, faktory_password, faktory),
 *
 * Its check calls url_check_with(). After options_start() the program calls
 * url_parse_with(config.faktory_url, config.faktory_password.text, &config.faktory.url, NULL),
 * which cannot fail then. Include env.h of the config room before; this room does not use that one,
 * only the program uses both.
 */
#ifndef COMMON_FAKTORY_SETTINGS_VARS_H
#define COMMON_FAKTORY_SETTINGS_VARS_H

#include <stddef.h>

#include "common/faktory/faktory.h"
#include "common/faktory/url.h"

/* clang-format off */
#define FAKTORY_SETTINGS_VARS(type, url_field, password_field, settings_field) \
    {.name = "FAKTORY_URL", .kind = ENV_STRING, .offset = offsetof(type, url_field), \
     .fallback = "tcp://localhost:7419", .secret = true, .check = url_check, \
     .help = "Where Faktory is: tcp://[:password@]host[:port]."}, \
    {.name = "FAKTORY_PASSWORD", .kind = ENV_SECRET, .offset = offsetof(type, password_field), \
     .help = "Faktory's password, as Faktory itself takes it: no character means anything, but a " \
             "slash at the start, which makes it the path of a file."}, \
    {.name = "FAKTORY_CONNECTION_TIMEOUT", .kind = ENV_MS, \
     .offset = offsetof(type, settings_field.net.connect_ms), \
     .fallback = "5s", .min = 100, .max = 300000, \
     .help = "Longest wait for a connection to Faktory."}, \
    {.name = "FAKTORY_READ_TIMEOUT", .kind = ENV_MS, \
     .offset = offsetof(type, settings_field.net.read_ms), \
     .fallback = "30s", .min = 5000, .max = 600000, \
     .help = "Silence after which a connection with an unanswered command is given up. Faktory " \
             "itself takes 2 s for an empty FETCH."}, \
    {.name = "FAKTORY_WRITE_TIMEOUT", .kind = ENV_MS, \
     .offset = offsetof(type, settings_field.net.write_ms), \
     .fallback = "30s", .min = 100, .max = 600000, \
     .help = "Longest wait for Faktory to take what is sent."}, \
    {.name = "FAKTORY_KEEPALIVE_IDLE", .kind = ENV_MS, \
     .offset = offsetof(type, settings_field.net.keepalive_idle_ms), \
     .fallback = "60s", .min = 1000, .max = 7200000, \
     .help = "Silence after which TCP asks whether Faktory's machine is still there."}, \
    {.name = "FAKTORY_KEEPALIVE_INTERVAL", .kind = ENV_MS, \
     .offset = offsetof(type, settings_field.net.keepalive_interval_ms), \
     .fallback = "10s", .min = 1000, .max = 600000, \
     .help = "Time between two such questions."}, \
    {.name = "FAKTORY_KEEPALIVE_COUNT", .kind = ENV_INT, \
     .offset = offsetof(type, settings_field.net.keepalive_count), \
     .fallback = "3", .min = 1, .max = 100, \
     .help = "Unanswered questions after which the connection counts as dead."}
/* clang-format on */

_Static_assert((int)ENV_SECRET_MAX <= (int)URL_PASSWORD_MAX, "a password must fit into a URL's");

#endif

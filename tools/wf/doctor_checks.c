// SPDX-License-Identifier: MIT
/* The table of checks. */
#include "tools/wf/doctor.h"

const struct doctor_check doctor_checks[] = {
    {"settings", "the environment, as both services would read it", false, doctor_check_settings},
    {"faktory", "does Faktory answer, and is it Faktory", false, doctor_check_faktory},
    {"version", "Faktory's version", true, doctor_check_version},
    {"storage", "does Faktory's Redis keep what it was given", true, doctor_check_storage},
    {"clock", "this machine's clock against Faktory's", true, doctor_check_clock},
    {"round-trip", "the way to Faktory, and what it asks of the settings", true,
     doctor_check_round_trip},
    {"connections", "Faktory's limit of connections", true, doctor_check_connections},
    {"threads", "does this machine allow WORKER_CONCURRENCY threads", false, doctor_check_threads},
    {"memory", "memory for these threads", false, doctor_check_memory},
    {"files", "open files for API_CONNECTIONS_MAX clients", false, doctor_check_files},
    {"api", "does the API answer, and is it ready", false, doctor_check_api},
};

const size_t doctor_checks_n = sizeof doctor_checks / sizeof doctor_checks[0];

// SPDX-License-Identifier: MIT
#include "api/routes.h"

const struct http_route api_routes[] = {
    {"POST", "/jobs/add", handle_math, "Store a job that adds a and b"},
    {"POST", "/jobs/subtract", handle_math, "Store a job that subtracts b from a"},
    {"POST", "/jobs/multiply", handle_math, "Store a job that multiplies a and b"},
    {"POST", "/jobs/divide", handle_math, "Store a job that divides a by b"},
    {"POST", "/jobs", handle_job, "Store a job of any type"},
    {"POST", "/jobs/batch", handle_batch, "Store many jobs at once"},
    {"GET", "/health", handle_health, "Is the service alive?"},
    {"GET", "/ready", handle_ready, "Does Faktory answer?"},
    {"GET", "/stats", handle_stats, "Numbers of the service and of Faktory, as JSON"},
    {"GET", "/metrics", handle_metrics, "Numbers for Prometheus"},
    {"GET", "/openapi.json", handle_openapi, "This description of all calls (OpenAPI 3.1)"},
};

const size_t api_routes_n = sizeof api_routes / sizeof api_routes[0];

// SPDX-License-Identifier: MIT
/* The worker's settings: defaults, lists, every bad value an error of its own. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "worker/config.h"

static struct worker_config config;

static void clear_environment(void)
{
    for (size_t i = 0; i < worker_program.n_vars; i++)
        unsetenv(worker_program.vars[i].name);
    memset(&config, 0, sizeof config);
}

static void tear_down(void)
{
    worker_config_fini(&config);
}

static int read_config(struct buf *errors)
{
    return env_read(worker_program.vars, worker_program.n_vars, &config, errors);
}

static void read_good(void)
{
    struct buf errors = BUF_INIT(0);

    CU_ASSERT_EQUAL(read_config(&errors), 0);
    CU_ASSERT_STRING_EQUAL(buf_str(&errors), "");
    CU_ASSERT_EQUAL(worker_config_finish(&config, NULL), 0);
    buf_fini(&errors);
}

static void test_defaults(void)
{
    read_good();
    CU_ASSERT_EQUAL(config.concurrency, 50);
    CU_ASSERT_EQUAL(config.connections, ENV_AUTO);
    CU_ASSERT_EQUAL(config.prefetch, ENV_AUTO);
    CU_ASSERT_EQUAL(config.poll_interval_ms, 0);
    CU_ASSERT_EQUAL(config.shutdown_ms, 25000);
    CU_ASSERT_STRING_EQUAL(config.metrics_addr, "");
    CU_ASSERT_STRING_EQUAL(config.faktory.url.port, "7419");
    CU_ASSERT_EQUAL(config.faktory.net.read_ms, 30000);
    CU_ASSERT_EQUAL_FATAL(config.n_queues, 1);
    CU_ASSERT_STRING_EQUAL(config.queue_names[0], "default");
    CU_ASSERT_STRING_EQUAL(buf_str(&config.label_json), "[]");
}

static void test_set(void)
{
    setenv("WORKER_CONCURRENCY", "10000", 1);
    setenv("WORKER_CONNECTIONS", "7", 1);
    setenv("WORKER_PREFETCH", "64", 1);
    setenv("WORKER_POLL_INTERVAL_MS", "1s", 1);
    setenv("WORKER_QUEUES", "critical,default,bulk_2.x-y", 1);
    setenv("WORKER_LABELS", "gpu,say \"hi\"", 1);
    setenv("WORKER_SHUTDOWN_TIMEOUT", "2m", 1);
    setenv("FAKTORY_URL", "tcp://:geheim@faktory.example:17419", 1);
    read_good();
    CU_ASSERT_EQUAL(config.concurrency, 10000);
    CU_ASSERT_EQUAL(config.connections, 7);
    CU_ASSERT_EQUAL(config.prefetch, 64);
    CU_ASSERT_EQUAL(config.poll_interval_ms, 1000);
    CU_ASSERT_EQUAL(config.shutdown_ms, 120000);
    CU_ASSERT_EQUAL_FATAL(config.n_queues, 3);
    CU_ASSERT_STRING_EQUAL(config.queue_names[0], "critical");
    CU_ASSERT_STRING_EQUAL(config.queue_names[2], "bulk_2.x-y");
    CU_ASSERT_STRING_EQUAL(buf_str(&config.label_json), "[\"gpu\",\"say \\\"hi\\\"\"]");
    CU_ASSERT_STRING_EQUAL(config.faktory.url.host, "faktory.example");
}

static void test_bad(void)
{
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"WORKER_CONCURRENCY", "0"},        {"WORKER_CONCURRENCY", "10001"},
        {"WORKER_CONCURRENCY", "abc"},      {"WORKER_CONNECTIONS", "0"},
        {"WORKER_CONNECTIONS", "33"},       {"WORKER_PREFETCH", "0"},
        {"WORKER_PREFETCH", "1001"},        {"WORKER_POLL_INTERVAL_MS", "-1"},
        {"WORKER_QUEUES", "default,"},      {"WORKER_QUEUES", "a,,b"},
        {"WORKER_QUEUES", "a, b"},          {"WORKER_QUEUES", "a,b,a"},
        {"WORKER_QUEUES", "working"},       {"WORKER_LABELS", ","},
        {"WORKER_SHUTDOWN_TIMEOUT", "1s"},  {"FAKTORY_URL", "localhost:7419"},
        {"FAKTORY_PASSWORD", "a\nb"},       {"FAKTORY_PASSWORD", "/dev/no/such/file"},
        {"FAKTORY_READ_TIMEOUT", "4s"},     {"LOG_LEVEL", "loud"},
        {"WORKER_SHUTDOWN_TIMEOUT", "0.5"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf errors = BUF_INIT(0);

        clear_environment();
        setenv(cases[i].name, cases[i].value, 1);
        CU_ASSERT_NOT_EQUAL(read_config(&errors), 0);
        CU_ASSERT_EQUAL(strncmp(buf_str(&errors), cases[i].name, strlen(cases[i].name)), 0);
        CU_ASSERT(strstr(buf_str(&errors), "expected") != NULL);
        buf_fini(&errors);
    }
}

static void test_all_errors(void)
{
    struct buf errors = BUF_INIT(0);

    setenv("WORKER_CONCURRENCY", "many", 1);
    setenv("WORKER_QUEUES", "paused", 1);
    setenv("LOG_FORMAT", "xml", 1);
    CU_ASSERT_NOT_EQUAL(read_config(&errors), 0);
    CU_ASSERT(strstr(buf_str(&errors), "WORKER_CONCURRENCY=\"many\": expected") != NULL);
    CU_ASSERT(strstr(buf_str(&errors), "WORKER_QUEUES=\"paused\": expected") != NULL);
    CU_ASSERT(strstr(buf_str(&errors), "LOG_FORMAT=\"xml\": expected") != NULL);
    buf_fini(&errors);
}

static void test_secret(void)
{
    struct buf shown = BUF_INIT(0);

    setenv("FAKTORY_URL", "tcp://:geheim@localhost:7419", 1);
    read_good();
    env_show(worker_program.vars, worker_program.n_vars, &config, &shown);
    CU_ASSERT(strstr(buf_str(&shown), "geheim") == NULL);
    CU_ASSERT(strstr(buf_str(&shown), "FAKTORY_URL=tcp://:***@localhost:7419\n") != NULL);
    buf_fini(&shown);
}

static void test_password(void)
{
    struct buf text = BUF_INIT(0);

    setenv("FAKTORY_PASSWORD", "ge heim", 1);
    read_good();
    CU_ASSERT_STRING_EQUAL(config.faktory.url.password, "ge heim");
    env_show(worker_program.vars, worker_program.n_vars, &config, &text);
    CU_ASSERT(strstr(buf_str(&text), "heim") == NULL);
    CU_ASSERT(strstr(buf_str(&text), "\nFAKTORY_PASSWORD=***\n") != NULL);
    setenv("FAKTORY_URL", "tcp://:other@localhost:7419", 1);
    setenv("LOG_LEVEL", "loud", 1);
    buf_clear(&text);
    CU_ASSERT_EQUAL(program_read(&worker_program, &config, &text), ERR_INVALID);
    CU_ASSERT(strstr(buf_str(&text), "LOG_LEVEL=\"loud\": ") != NULL);
    CU_ASSERT(strstr(buf_str(&text), "FAKTORY_URL=\"tcp://:***@localhost:7419\": expected no "
                                     "password") != NULL);
    CU_ASSERT(strstr(buf_str(&text), "other") == NULL && strstr(buf_str(&text), "heim") == NULL);
    buf_fini(&text);
}

static const struct suite_test tests[] = {
    {"without any setting the defaults hold", test_defaults},
    {"D25: queues, labels and all else can be set", test_set},
    {"a bad value is an error that names the variable", test_bad},
    {"all bad values are reported at once", test_all_errors},
    {"the password is not shown", test_secret},
    {"a password beside the URL is used; two that differ are an error", test_password},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "worker_config", tests, SUITE_COUNT(tests), clear_environment,
                      tear_down);
}

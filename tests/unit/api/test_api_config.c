// SPDX-License-Identifier: MIT
#include "api/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"

static struct api_config config;
static struct buf errors;

static void clear_environment(void)
{
    for (size_t i = 0; i < api_program.n_vars; i++)
        unsetenv(api_program.vars[i].name);
}

static void setup(void)
{
    clear_environment();
    errors = (struct buf)BUF_INIT(0);
}

static void teardown(void)
{
    clear_environment();
    buf_fini(&errors);
}

static int read_all(void)
{
    return env_read(api_program.vars, api_program.n_vars, &config, &errors);
}

static void test_defaults(void)
{
    CU_ASSERT_EQUAL(read_all(), 0);
    CU_ASSERT_EQUAL(errors.len, 0);
    CU_ASSERT_EQUAL(api_config_finish(&config, NULL), 0);
    CU_ASSERT_STRING_EQUAL(config.faktory.url.host, "localhost");
    CU_ASSERT_STRING_EQUAL(config.faktory.url.port, "7419");
    CU_ASSERT_STRING_EQUAL(config.bind_addr, "127.0.0.1:3000"); /* D30: not on every network */
    CU_ASSERT_EQUAL(config.connections, 4);
    CU_ASSERT_EQUAL(config.pack_size, 1);
    CU_ASSERT_EQUAL(config.batch_size, 100);
    CU_ASSERT_EQUAL(config.batch_delay_ms, 50);
    CU_ASSERT(config.batch_auto);
    CU_ASSERT_EQUAL(config.faktory.net.connect_ms, 5000);
    CU_ASSERT_EQUAL(config.faktory.net.read_ms, 30000);
    CU_ASSERT_EQUAL(config.faktory.net.write_ms, 30000);
    CU_ASSERT_EQUAL(config.faktory.net.keepalive_idle_ms, 60000);
    CU_ASSERT_EQUAL(config.faktory.net.keepalive_interval_ms, 10000);
    CU_ASSERT_EQUAL(config.faktory.net.keepalive_count, 3);
    CU_ASSERT_EQUAL(config.body_max_bytes, 8 << 20);
    CU_ASSERT_EQUAL(config.shutdown_ms, 25000);
    CU_ASSERT_STRING_EQUAL(config.queues, "default");
}

/* A value that each variable must refuse, and one that it must take. */
static const struct {
    const char *name, *bad, *good;
} values[] = {
    {"FAKTORY_URL", "http://x", "tcp://:p@h:1"},
    {"FAKTORY_PASSWORD", "/dev/no/such/file", "p@ss w/rd"},
    {"FAKTORY_CONNECTION_TIMEOUT", "0", "20s"},
    {"FAKTORY_READ_TIMEOUT", "1s", "90"},
    {"FAKTORY_WRITE_TIMEOUT", "-1", "1m"},
    {"FAKTORY_KEEPALIVE_IDLE", "10ms", "30s"},
    {"FAKTORY_KEEPALIVE_INTERVAL", "x", "5s"},
    {"FAKTORY_KEEPALIVE_COUNT", "0", "9"},
    {"FAKTORY_MAX_CONNECTIONS", "65", "64"},
    {"BIND_ADDR", "3000", "[::1]:9"},
    {"BATCH_MAX_SIZE", "501", "500"},
    {"BATCH_MAX_DELAY_MS", "0", "10s"},
    {"BATCH_AUTO_ENABLED", "maybe", "FALSE"},
    {"BATCH_PACK_SIZE", "501", "500"},
    {"BATCH_QUEUE_MAX", "0", "1"},
    {"API_QUEUES", "default,working", "default,bulk"},
    {"API_BODY_MAX", "8 apples", "16MiB"},
    {"API_REQUEST_TIMEOUT", "0", "5"},
    {"API_HEADER_TIMEOUT", "1ms", "5s"},
    {"API_IDLE_TIMEOUT", "2days", "1h"},
    {"API_CONNECTIONS_MAX", "-5", "10"},
    {"API_SHUTDOWN_TIMEOUT", "soon", "1500ms"},
    {"LOG_LEVEL", "loud", "debug"},
    {"LOG_FORMAT", "xml", "json"},
};

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* D26: a bad value became the default silently. D27: a batch size or a delay of 0 was taken. */
static void test_bad_values(void)
{
    char start[64];

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        setenv(values[i].name, values[i].bad, 1);
    CU_ASSERT_EQUAL(read_all(), ERR_INVALID);
    CU_ASSERT_EQUAL(count_lines(buf_str(&errors)), sizeof values / sizeof values[0]);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(start, sizeof start, "%s=\"%s\": expected", values[i].name, values[i].bad);
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), start));
    }
}

static void test_good_values(void)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        setenv(values[i].name, values[i].good, 1);
    CU_ASSERT_EQUAL(read_all(), 0);
    CU_ASSERT_STRING_EQUAL(buf_str(&errors), "");
    CU_ASSERT_EQUAL(config.faktory.net.connect_ms, 20000);
    CU_ASSERT_EQUAL(config.faktory.net.read_ms, 90000);
    CU_ASSERT_FALSE(config.batch_auto);
    CU_ASSERT_EQUAL(config.batch_delay_ms, 10000);
    CU_ASSERT_EQUAL(config.body_max_bytes, 16 << 20);
    CU_ASSERT_EQUAL(config.request_ms, 5000);
    CU_ASSERT_EQUAL(config.shutdown_ms, 1500);
    CU_ASSERT_STRING_EQUAL(config.queues, "default,bulk");
    CU_ASSERT_EQUAL(config.log_level, 3);
    CU_ASSERT_EQUAL(config.log_format, 1);
}

static void test_all_covered(void)
{
    CU_ASSERT_EQUAL(api_program.n_vars, sizeof values / sizeof values[0]);
    for (size_t i = 0; i < api_program.n_vars; i++) {
        CU_ASSERT_PTR_NOT_NULL(api_program.vars[i].help);
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(api_program.vars[i].name, api_program.vars[k].name);
    }
}

static void test_secret(void)
{
    setenv("FAKTORY_URL", "tcp://:opensesame@h:x", 1);
    CU_ASSERT_EQUAL(read_all(), ERR_INVALID);
    CU_ASSERT_PTR_NULL(strstr(buf_str(&errors), "opensesame"));
    setenv("FAKTORY_URL", "tcp://:opensesame@h:7", 1);
    CU_ASSERT_EQUAL(read_all(), 0);
    buf_clear(&errors);
    env_show(api_program.vars, api_program.n_vars, &config, &errors);
    CU_ASSERT_PTR_NULL(strstr(buf_str(&errors), "opensesame"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "FAKTORY_URL=tcp://:***@h:7\n"));
}

static void test_password(void)
{
    setenv("FAKTORY_PASSWORD", "open sesame", 1);
    setenv("FAKTORY_URL", "tcp://h:7", 1);
    CU_ASSERT_EQUAL(program_read(&api_program, &config, &errors), 0);
    CU_ASSERT_EQUAL(api_config_finish(&config, NULL), 0);
    CU_ASSERT_STRING_EQUAL(config.faktory.url.password, "open sesame");
    env_show(api_program.vars, api_program.n_vars, &config, &errors);
    CU_ASSERT_PTR_NULL(strstr(buf_str(&errors), "sesame"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "\nFAKTORY_PASSWORD=***\n"));
    setenv("FAKTORY_URL", "tcp://:open%20sesame@h:7", 1);
    CU_ASSERT_EQUAL(program_read(&api_program, &config, &errors), 0);
}

static void test_password_twice(void)
{
    setenv("FAKTORY_PASSWORD", "open sesame", 1);
    setenv("FAKTORY_URL", "tcp://:hunter2@h:7", 1);
    setenv("BATCH_MAX_SIZE", "0", 1);
    CU_ASSERT_EQUAL(program_read(&api_program, &config, &errors), ERR_INVALID);
    CU_ASSERT_EQUAL(count_lines(buf_str(&errors)), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "FAKTORY_URL=\"tcp://:***@h:7\": expected no"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&errors), "sesame"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&errors), "hunter2"));
    CU_ASSERT_EQUAL(api_config_finish(&config, NULL), ERR_INVALID);
}

static const struct suite_test tests[] = {
    {"the defaults are those that are documented", test_defaults},
    {"D26, D27: every bad value is reported with what was expected", test_bad_values},
    {"every variable takes a good value with its unit", test_good_values},
    {"this test knows every variable of the table, and each has help", test_all_covered},
    {"a password beside the URL is used and not shown", test_password},
    {"two passwords that differ are an error beside all others", test_password_twice},
    {"D28: the password is in no message and not in the shown settings", test_secret},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "api_config", tests, SUITE_COUNT(tests), setup, teardown);
}

// SPDX-License-Identifier: MIT
#include "common/config/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/support/suite.h"

struct config {
    const char *url;
    const char *queues;
    int64_t batch;
    int64_t offset;
    int64_t lanes;
    bool automatic;
    int64_t delay;
    int64_t timeout;
    int64_t body;
    int level;
    struct env_secret secret;
};

static int check_queues(const char *value, struct buf *expected)
{
    if (!strchr(value, ';'))
        return 0;
    buf_add_str(expected, "names with commas between");
    return ERR_INVALID;
}

#define FIELD(name) offsetof(struct config, name)

static const struct env_var vars[] = {
    {.name = "T_URL",
     .kind = ENV_STRING,
     .offset = FIELD(url),
     .fallback = "tcp://localhost:7419",
     .secret = true,
     .help = "Where the job server is."},
    {.name = "T_QUEUES",
     .kind = ENV_STRING,
     .offset = FIELD(queues),
     .check = check_queues,
     .help = "Names."},
    {.name = "T_BATCH",
     .kind = ENV_INT,
     .offset = FIELD(batch),
     .fallback = "100",
     .min = 1,
     .max = 500,
     .help = "Most jobs in one push; a long sentence that cannot possibly stand in one line of "
             "eighty columns."},
    {.name = "T_OFFSET",
     .kind = ENV_INT,
     .offset = FIELD(offset),
     .fallback = "0",
     .min = -10,
     .max = INT64_MAX,
     .help = "Any."},
    {.name = "T_LANES",
     .kind = ENV_AUTO_INT,
     .offset = FIELD(lanes),
     .fallback = "auto",
     .min = 1,
     .max = 64,
     .help = "Lanes."},
    {.name = "T_AUTO_ENABLED",
     .kind = ENV_BOOL,
     .offset = FIELD(automatic),
     .fallback = "true",
     .help = "Yes or no."},
    {.name = "T_DELAY_MS",
     .kind = ENV_MS,
     .offset = FIELD(delay),
     .fallback = "50",
     .min = 0,
     .max = 60000,
     .help = "Wait."},
    {.name = "T_TIMEOUT",
     .kind = ENV_MS,
     .offset = FIELD(timeout),
     .fallback = "30s",
     .min = 100,
     .max = 3600000,
     .help = "Wait more."},
    {.name = "T_BODY",
     .kind = ENV_BYTES,
     .offset = FIELD(body),
     .fallback = "8MiB",
     .min = 1,
     .max = INT64_C(4) << 30,
     .help = "Bytes."},
    {.name = "T_LEVEL",
     .kind = ENV_CHOICE,
     .offset = FIELD(level),
     .fallback = "info",
     .choices = "error|warn|info|debug",
     .help = "Log level."},
    {.name = "T_SECRET", .kind = ENV_SECRET, .offset = FIELD(secret), .help = "Hush."},
};
enum { N_VARS = SUITE_COUNT(vars) };

static struct config config;
static struct buf errors, out;

static void forget(void)
{
    for (int i = 0; i < N_VARS; i++)
        unsetenv(vars[i].name);
    buf_clear(&errors);
    buf_clear(&out);
    memset(&config, 0xee, sizeof config);
}

static void teardown(void)
{
    forget();
    buf_fini(&errors);
    buf_fini(&out);
}

static int read_with(const char *name, const char *value)
{
    forget();
    setenv(name, value, 1);
    return env_read(vars, N_VARS, &config, &errors);
}

static void defaults_hold_when_nothing_is_set(void)
{
    CU_ASSERT_EQUAL(env_read(vars, N_VARS, &config, &errors), 0);
    CU_ASSERT_EQUAL(errors.len, 0);
    CU_ASSERT_STRING_EQUAL(config.url, "tcp://localhost:7419");
    CU_ASSERT_STRING_EQUAL(config.queues, "");
    CU_ASSERT_EQUAL(config.batch, 100);
    CU_ASSERT_EQUAL(config.lanes, ENV_AUTO);
    CU_ASSERT_TRUE(config.automatic);
    CU_ASSERT_EQUAL(config.delay, 50);
    CU_ASSERT_EQUAL(config.timeout, 30000);
    CU_ASSERT_EQUAL(config.body, 8 << 20);
    CU_ASSERT_EQUAL(config.level, 2);
}

static void empty_counts_as_unset(void)
{
    CU_ASSERT_EQUAL(read_with("T_BATCH", ""), 0);
    CU_ASSERT_EQUAL(config.batch, 100);
}

static void numbers_are_read(void)
{
    static const struct {
        const char *name, *text;
        int64_t *field, value;
    } cases[] = {
        {"T_BATCH", "1", &config.batch, 1},
        {"T_BATCH", "500", &config.batch, 500},
        {"T_OFFSET", "-10", &config.offset, -10},
        {"T_OFFSET", "9223372036854775807", &config.offset, INT64_MAX},
        {"T_LANES", "AUTO", &config.lanes, ENV_AUTO},
        {"T_LANES", "7", &config.lanes, 7},
        {"T_DELAY_MS", "0", &config.delay, 0},
        {"T_DELAY_MS", "250", &config.delay, 250},
        {"T_DELAY_MS", "250ms", &config.delay, 250},
        {"T_DELAY_MS", "5s", &config.delay, 5000},
        {"T_TIMEOUT", "5", &config.timeout, 5000},
        {"T_TIMEOUT", "100ms", &config.timeout, 100},
        {"T_TIMEOUT", "2m", &config.timeout, 120000},
        {"T_TIMEOUT", "1h", &config.timeout, 3600000},
        {"T_BODY", "512", &config.body, 512},
        {"T_BODY", "64KiB", &config.body, 65536},
        {"T_BODY", "1GiB", &config.body, 1 << 30},
    };

    for (int i = 0; i < SUITE_COUNT(cases); i++) {
        CU_ASSERT_EQUAL(read_with(cases[i].name, cases[i].text), 0);
        CU_ASSERT_EQUAL(*cases[i].field, cases[i].value);
    }
}

static void booleans_are_read_in_any_case(void)
{
    static const char *const yes[] = {"true", "TRUE", "True", "yes", "on", "ON", "1"};
    static const char *const no[] = {"false", "FALSE", "False", "no", "off", "Off", "0"};

    for (int i = 0; i < 7; i++) {
        CU_ASSERT_EQUAL(read_with("T_AUTO_ENABLED", yes[i]), 0);
        CU_ASSERT_EQUAL(config.automatic, true);
        CU_ASSERT_EQUAL(read_with("T_AUTO_ENABLED", no[i]), 0);
        CU_ASSERT_EQUAL(config.automatic, false);
    }
}

static void choices_are_read_in_any_case(void)
{
    CU_ASSERT_EQUAL(read_with("T_LEVEL", "error"), 0);
    CU_ASSERT_EQUAL(config.level, 0);
    CU_ASSERT_EQUAL(read_with("T_LEVEL", "DEBUG"), 0);
    CU_ASSERT_EQUAL(config.level, 3);
}

static const char want_batch[] = "a whole number from 1 to 500";
static const char want_delay[] = "a duration from 0ms to 1m, such as 250ms, 5s, 2m or 1h "
                                 "(a bare number counts milliseconds)";
static const char want_timeout[] = "a duration from 100ms to 1h, such as 250ms, 5s, 2m or 1h "
                                   "(a bare number counts seconds)";
static const char want_body[] = "a size from 1 to 4GiB, such as 512, 64KiB, 8MiB or 1GiB";
static const char want_truth[] = "true or false (also yes/no, on/off, 1/0)";
static const char want_lanes[] = "auto or a whole number from 1 to 64";
static const struct {
    const char *name, *text, *expected;
} bad[] = {
    {"T_BATCH", "abc", want_batch},
    {"T_BATCH", "5s", want_batch},
    {"T_BATCH", "0", want_batch},
    {"T_BATCH", "-1", want_batch},
    {"T_BATCH", "501", want_batch},
    {"T_BATCH", "+5", want_batch},
    {"T_BATCH", " 5", want_batch},
    {"T_BATCH", "5 ", want_batch},
    {"T_BATCH", "5.0", want_batch},
    {"T_BATCH", "1e2", want_batch},
    {"T_BATCH", "0x10", want_batch},
    {"T_BATCH", "-", want_batch},
    {"T_BATCH", "18446744073709551717", want_batch}, /* 2^64 + 101 */
    {"T_LANES", "0", want_lanes},
    {"T_LANES", "automatic", want_lanes},
    {"T_AUTO_ENABLED", "maybe", want_truth},
    {"T_AUTO_ENABLED", "2", want_truth},
    {"T_AUTO_ENABLED", "true ", want_truth},
    {"T_DELAY_MS", "-1", want_delay},
    {"T_DELAY_MS", "61s", want_delay},
    {"T_DELAY_MS", "5 s", want_delay},
    {"T_DELAY_MS", "5sec", want_delay},
    {"T_DELAY_MS", "1.5s", want_delay},
    {"T_DELAY_MS", "s", want_delay},
    {"T_TIMEOUT", "0", want_timeout},
    {"T_TIMEOUT", "99ms", want_timeout},
    {"T_TIMEOUT", "9223372036854775807h", want_timeout},
    {"T_BODY", "0", want_body},
    {"T_BODY", "8MB", want_body},
    {"T_BODY", "8 MiB", want_body},
    {"T_BODY", "9007199254740993GiB", want_body},
    {"T_LEVEL", "trace", "error, warn, info or debug"},
    {"T_LEVEL", "inf", "error, warn, info or debug"},
    {"T_LEVEL", "error|warn", "error, warn, info or debug"},
    {"T_QUEUES", "a;b", "names with commas between"},
};

static void bad_values_are_refused_with_what_was_expected(void)
{
    for (int i = 0; i < SUITE_COUNT(bad); i++) {
        char wanted[256];

        CU_ASSERT_EQUAL(read_with(bad[i].name, bad[i].text), ERR_INVALID);
        snprintf(wanted, sizeof wanted, "%s=\"%s\": expected %s\n", bad[i].name, bad[i].text,
                 bad[i].expected);
        CU_ASSERT_STRING_EQUAL(buf_str(&errors), wanted);
        CU_ASSERT_EQUAL(config.batch, 100); /* the default, not half of what was read */
        CU_ASSERT_EQUAL(config.delay, 50);
    }
}

static void all_bad_values_are_reported(void)
{
    setenv("T_BATCH", "x", 1);
    setenv("T_LEVEL", "y", 1);
    setenv("T_BODY", "z", 1);
    setenv("T_LANES", "9", 1);
    CU_ASSERT_EQUAL(env_read(vars, N_VARS, &config, &errors), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "T_BATCH=\"x\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "T_LEVEL=\"y\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "T_BODY=\"z\""));
    CU_ASSERT_EQUAL(config.lanes, 9);
}

static int refuse(const char *value, struct buf *expected)
{
    (void)value;
    buf_add_str(expected, "something better");
    return strcmp(value, "ok") == 0 ? 0 : ERR_INVALID;
}

static void secrets_are_never_shown(void)
{
    static const char *const cases[][2] = {
        {"tcp://:hunter2@host:7419", "tcp://:***@host:7419"},
        {"tcp://user:hunter2@host", "tcp://:***@host"},
        {"tcp://:hunter2@at@host/x", "tcp://:***@host/x"},
        {"tcp://:hunter2/with/slash@host", "tcp://:***@host"},
        {"tcp://host:7419", "tcp://host:7419"},
        {"hunter2@host", "***"},
        {"hunter2", "***"},
    };
    static const struct env_var picky = {.name = "T_URL",
                                         .kind = ENV_STRING,
                                         .offset = FIELD(url),
                                         .fallback = "ok",
                                         .secret = true,
                                         .check = refuse,
                                         .help = ""};

    for (int i = 0; i < SUITE_COUNT(cases); i++) {
        char wanted[128];

        CU_ASSERT_EQUAL(read_with("T_URL", cases[i][0]), 0);
        CU_ASSERT_STRING_EQUAL(config.url, cases[i][0]);
        env_show(vars, 1, &config, &out);
        snprintf(wanted, sizeof wanted, "T_URL=%s\n", cases[i][1]);
        CU_ASSERT_STRING_EQUAL(buf_str(&out), wanted);

        CU_ASSERT_EQUAL(env_read(&picky, 1, &config, &errors), ERR_INVALID);
        snprintf(wanted, sizeof wanted, "T_URL=\"%s\": expected something better\n", cases[i][1]);
        CU_ASSERT_STRING_EQUAL(buf_str(&errors), wanted);
    }
}

static void a_secret_is_taken_from_a_variable_or_a_file(void)
{
    char path[] = "/tmp/test_env.XXXXXX", wanted[192];
    int fd = mkstemp(path);

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(read_with("T_SECRET", "tcp://:hunter2@host"), 0);
    CU_ASSERT_STRING_EQUAL(config.secret.text, "tcp://:hunter2@host");
    env_show(&vars[N_VARS - 1], 1, &config, &out);
    CU_ASSERT_STRING_EQUAL(buf_str(&out), "T_SECRET=***\n");

    CU_ASSERT_EQUAL(read_with("T_SECRET", path), ERR_INVALID);
    snprintf(wanted, sizeof wanted,
             "T_SECRET=\"%s\": expected one line of at most 255 bytes, or the path of a file with "
             "it, which begins with a slash: the file is empty\n",
             path);
    CU_ASSERT_STRING_EQUAL(buf_str(&errors), wanted);
    CU_ASSERT_STRING_EQUAL(config.secret.text, "");

    CU_ASSERT_EQUAL(write(fd, "hunter2\n", 8), 8);
    CU_ASSERT_EQUAL(read_with("T_SECRET", path), 0);
    CU_ASSERT_STRING_EQUAL(config.secret.text, "hunter2");
    env_show(&vars[N_VARS - 1], 1, &config, &out);
    snprintf(wanted, sizeof wanted, "T_SECRET=%s\n", path);
    CU_ASSERT_STRING_EQUAL(buf_str(&out), wanted);

    CU_ASSERT_EQUAL(read_with("T_SECRET", "hunter2\n"), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "T_SECRET=\"***\": expected one line"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&errors), "hunter2"));
    CU_ASSERT_EQUAL(read_with("T_SECRET", ""), 0);
    env_show(&vars[N_VARS - 1], 1, &config, &out);
    CU_ASSERT_STRING_EQUAL(buf_str(&out), "T_SECRET=\n");
    close(fd);
    unlink(path);
}

static void what_is_shown_reads_back(void)
{
    static const struct {
        const char *name, *text, *shown;
    } cases[] = {
        {"T_BATCH", "7", "T_BATCH=7\n"},
        {"T_LANES", "auto", "T_LANES=auto\n"},
        {"T_LANES", "3", "T_LANES=3\n"},
        {"T_AUTO_ENABLED", "OFF", "T_AUTO_ENABLED=false\n"},
        {"T_DELAY_MS", "5s", "T_DELAY_MS=5000\n"},
        {"T_DELAY_MS", "0", "T_DELAY_MS=0\n"},
        {"T_TIMEOUT", "1500ms", "T_TIMEOUT=1500ms\n"},
        {"T_TIMEOUT", "90", "T_TIMEOUT=90s\n"},
        {"T_TIMEOUT", "3600s", "T_TIMEOUT=1h\n"},
        {"T_BODY", "1025", "T_BODY=1025\n"},
        {"T_BODY", "2048KiB", "T_BODY=2MiB\n"},
        {"T_LEVEL", "WARN", "T_LEVEL=warn\n"},
        {"T_QUEUES", "a,b", "T_QUEUES=a,b\n"},
    };

    for (int i = 0; i < SUITE_COUNT(cases); i++) {
        char *value, *first;

        CU_ASSERT_EQUAL(read_with(cases[i].name, cases[i].text), 0);
        env_show(vars, N_VARS, &config, &out);
        CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(buf_str(&out), cases[i].shown));

        first = buf_take(&out);
        value = strdup(strchr(cases[i].shown, '=') + 1);
        CU_ASSERT_FATAL(first && value);
        value[strcspn(value, "\n")] = '\0';
        CU_ASSERT_EQUAL(read_with(cases[i].name, value), 0);
        env_show(vars, N_VARS, &config, &out);
        CU_ASSERT_STRING_EQUAL(buf_str(&out), first);
        free(value);
        free(first);
    }
}

static void message_stays_one_line_of_bounded_length(void)
{
    char text[1001];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[3] = '\n';
    text[4] = '\x1b';
    CU_ASSERT_EQUAL(read_with("T_BATCH", text), ERR_INVALID);
    CU_ASSERT_PTR_EQUAL(strchr(buf_str(&errors), '\n'), errors.data + errors.len - 1);
    CU_ASSERT_PTR_NULL(strchr(buf_str(&errors), '\x1b'));
    CU_ASSERT_TRUE(errors.len < 250);
}

static void help_names_every_variable_within_80_columns(void)
{
    const char *line;

    env_help(vars, N_VARS, &out);
    for (int i = 0; i < N_VARS; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), vars[i].name));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "  T_BATCH         100\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "  T_QUEUES        (empty)\n      Names.\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "      Yes or no. Takes true or false"));
    for (line = buf_str(&out); *line; line += strcspn(line, "\n") + 1) {
        CU_ASSERT_TRUE(strcspn(line, "\n") <= 80);
        CU_ASSERT_TRUE(strcspn(line, "\n") > 0);
    }
}

static const struct suite_test tests[] = {
    {"defaults hold when nothing is set", defaults_hold_when_nothing_is_set},
    {"an empty value counts as unset", empty_counts_as_unset},
    {"numbers, durations and sizes are read", numbers_are_read},
    {"booleans are read in any case", booleans_are_read_in_any_case},
    {"choices are read in any case", choices_are_read_in_any_case},
    {"bad values are refused, with what was expected",
     bad_values_are_refused_with_what_was_expected},
    {"all bad values are reported at once", all_bad_values_are_reported},
    {"secrets are never shown", secrets_are_never_shown},
    {"a secret comes from its variable or from the file that it names, and is not shown",
     a_secret_is_taken_from_a_variable_or_a_file},
    {"what is shown reads back to the same", what_is_shown_reads_back},
    {"a message stays one line of bounded length", message_stays_one_line_of_bounded_length},
    {"the help names every variable within 80 columns",
     help_names_every_variable_within_80_columns},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "env", tests, SUITE_COUNT(tests), forget, teardown);
}

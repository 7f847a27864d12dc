// SPDX-License-Identifier: MIT
/* What becomes of lines for every answer that a service, or something before it, may give. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/http_script.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tools/wf/sender.h"

enum { STEPS_MAX = 8, CHUNK_LINES = 3, TIMEOUT_MS = 10000 };

static const char *const three_lines[CHUNK_LINES] = {"{\"n\":1}", "{\"n\":2}", "{\"n\":3}"};

static struct tempdir dir;
static char base[TEMPDIR_MAX + 16];

static void setup(void)
{
    struct err_text why = {""};

    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, &why), 0);
    snprintf(base, sizeof base, "%s/jobs", dir.path);
}

static void teardown(void)
{
    tempdir_fini(&dir);
}

/* Checks the file beside the jobs; `wanted` "" when there shall be none. */
static void check_file(const char *ending, const char *wanted)
{
    char path[sizeof base + 16];
    char *text;

    snprintf(path, sizeof path, "%s%s", base, ending);
    text = file_text(path);
    CU_ASSERT_STRING_EQUAL(text ? text : "", wanted);
    free(text);
}

/* The states of the chunk as their letters, in order. */
static const char *states_of(const struct chunk *c)
{
    static char text[CHUNK_LINES + 1];

    for (size_t i = 0; i < c->n && i < CHUNK_LINES; i++)
        text[i] = (char)c->lines[i].state;
    text[c->n < CHUNK_LINES ? c->n : CHUNK_LINES] = '\0';
    return text;
}

static int64_t count(const struct chunk *c, enum line_state state)
{
    int64_t n = 0;

    for (size_t i = 0; i < c->n; i++)
        n += c->lines[i].state == state;
    return n;
}

/* Sends the lines as one chunk; its states go to `states`. */
static enum sender_end send_lines(const char *url, const char *const *lines, int64_t give_up_ms,
                                  char states[CHUNK_LINES + 1])
{
    struct out out = {.quiet = true, .json = false};
    struct report report = {.out = &out, .name = "jobs", .size = -1};
    struct sender s = {.report = &report, .timeout_ms = TIMEOUT_MS, .give_up_ms = give_up_ms};
    struct chunk c = {.n = 0};
    enum sender_end end;

    s.http = http_new(url);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.http);
    CU_ASSERT_EQUAL(leftover_init(&s.rejected, base, ".rejected"), 0);
    CU_ASSERT_EQUAL(leftover_init(&s.unknown, base, ".unknown"), 0);
    for (size_t i = 0; i < CHUNK_LINES; i++)
        CU_ASSERT_EQUAL(chunk_add(&c, (int64_t)i + 1, lines[i], strlen(lines[i])), 0);
    end = sender_send(&s, &c);
    memcpy(states, states_of(&c), CHUNK_LINES + 1);
    CU_ASSERT_EQUAL(s.tally.stored, count(&c, LINE_STORED));
    CU_ASSERT_EQUAL(s.tally.refused, count(&c, LINE_REFUSED));
    CU_ASSERT_EQUAL(s.tally.unknown, count(&c, LINE_UNKNOWN));
    chunk_fini(&c);
    sender_fini(&s);
    http_free(s.http);
    return end;
}

#define ALL "[{\"n\":1},{\"n\":2},{\"n\":3}]"
#define STORED                                                                                     \
    {                                                                                              \
        202, "{\"job_ids\":[]}", NULL                                                              \
    }

/* What is answered, what is asked (the lists of jobs), and what follows for the three lines. */
static const struct {
    const char *what;
    struct http_script_step steps[STEPS_MAX];
    const char *asked[STEPS_MAX];
    const char *states;
    enum sender_end end;
} cases[] = {
    {"all stored", {STORED}, {ALL}, "SSS", SENDER_DONE},
    {"one is wrong",
     {{400, "{\"error\":\"x\",\"errors\":[{\"index\":1,\"field\":\"a\",\"error\":\"y\"}]}", NULL},
      STORED},
     {ALL, "[{\"n\":1},{\"n\":3}]"},
     "SRS",
     SENDER_DONE},
    {"all are wrong",
     {{400, "{\"errors\":[{\"index\":0},{\"index\":1},{\"index\":2}]}", NULL}},
     {ALL},
     "RRR",
     SENDER_DONE},
    {"a request that is wrong as a whole is halved",
     {{400, "{\"error\":\"nested too deep\"}", NULL},
      STORED,
      {400, "{\"error\":\"nested too deep\"}", NULL},
      {400, "{\"error\":\"nested too deep\"}", NULL},
      STORED},
     {ALL, "[{\"n\":1}]", "[{\"n\":2},{\"n\":3}]", "[{\"n\":2}]", "[{\"n\":3}]"},
     "SRS",
     SENDER_DONE},
    {"indexes that make no sense are not believed",
     {{400, "{\"errors\":[{\"index\":3},{\"index\":-1},{\"index\":\"0\"},7]}", NULL},
      STORED,
      STORED},
     {ALL, "[{\"n\":1}]", "[{\"n\":2},{\"n\":3}]"},
     "SSS",
     SENDER_DONE},
    {"a request that is too large is halved",
     {{413, "{\"error\":\"too large\"}", NULL}, STORED, STORED},
     {ALL, "[{\"n\":1}]", "[{\"n\":2},{\"n\":3}]"},
     "SSS",
     SENDER_DONE},
    {"Faktory refused one",
     {{502, "{\"stored\":\"partly\",\"failed\":[{\"index\":2,\"stored\":\"no\"}]}", NULL}},
     {ALL},
     "SSR",
     SENDER_DONE},
    {"Faktory refused all",
     {{502,
       "{\"stored\":\"no\",\"failed\":[{\"index\":0,\"stored\":\"no\"},{\"index\":1,\"stored\":"
       "\"no\"},{\"index\":2,\"stored\":\"no\"}]}",
       NULL}},
     {ALL},
     "RRR",
     SENDER_DONE},
    {"the queue is full for a while",
     {{503, "{\"error\":\"full\",\"stored\":\"no\"}", "Retry-After: 0\r\n"}, STORED},
     {ALL, ALL},
     "SSS",
     SENDER_DONE},
    {"Faktory went away in the middle",
     {{503, "{\"stored\":\"partly\",\"failed\":[{\"index\":0,\"stored\":\"no\"}]}", NULL}, STORED},
     {ALL, "[{\"n\":1}]"},
     "SSS",
     SENDER_DONE},
    {"some unknown, some not stored, some stored",
     {{504,
       "{\"stored\":\"partly\",\"failed\":[{\"index\":0,\"stored\":\"no\"},{\"index\":2,\"stored\":"
       "\"unknown\"}]}",
       NULL},
      STORED},
     {ALL, "[{\"n\":1}]"},
     "SSU",
     SENDER_DONE},
    {"unknown as a whole", {{504, "{\"stored\":\"unknown\"}", NULL}}, {ALL}, "UUU", SENDER_DONE},
    {"late as a whole",
     {{504, "{\"stored\":\"no\"}", NULL}, STORED},
     {ALL, ALL},
     "SSS",
     SENDER_DONE},
    {"asked to slow down", {{429, NULL, NULL}, STORED}, {ALL, ALL}, "SSS", SENDER_DONE},
    {"a proxy lost the service", {{502, "<html>", NULL}}, {ALL}, "UUU", SENDER_DONE},
    {"a proxy is tired of waiting", {{504, "<html>", NULL}}, {ALL}, "UUU", SENDER_DONE},
    {"the service broke", {{500, NULL, NULL}}, {ALL}, "UUU", SENDER_DONE},
    {"the connection was lost before the answer", {{0, NULL, NULL}}, {ALL}, "UUU", SENDER_DONE},
    {"some other service accepts anything", {{202, "fine", NULL}}, {ALL}, "UUU", SENDER_DONE},
    {"no such call there", {{404, "{\"error\":\"no\"}", NULL}}, {ALL}, "ooo", SENDER_STRANGE},
    {"it lives elsewhere", {{301, NULL, "Location: /\r\n"}}, {ALL}, "ooo", SENDER_STRANGE},
};

static void check_case(size_t i)
{
    char states[CHUNK_LINES + 1], wanted[128];
    struct err_text why = {""};
    struct http_script *service = http_script_start(cases[i].steps, STEPS_MAX, &why);
    enum sender_end end;
    size_t n = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    end = send_lines(http_script_url(service), three_lines, 60000, states);
    if (strcmp(states, cases[i].states) != 0)
        fprintf(stderr, "%s: %s\n", cases[i].what, states);
    CU_ASSERT_EQUAL(end, cases[i].end);
    CU_ASSERT_STRING_EQUAL(states, cases[i].states);
    for (; n < STEPS_MAX && cases[i].asked[n]; n++) {
        snprintf(wanted, sizeof wanted, "{\"jobs\":%s}", cases[i].asked[n]);
        CU_ASSERT_STRING_EQUAL(http_script_body(service, n), wanted);
        CU_ASSERT_STRING_EQUAL(http_script_line(service, n), "POST /jobs/batch HTTP/1.1");
    }
    CU_ASSERT_EQUAL(http_script_count(service), n); /* above all: nothing was asked again */
    http_script_stop(service);
}

static void every_answer_decides(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(i);
}

static void leftovers_are_kept(void)
{
    static const struct http_script_step steps[] = {
        {400, "{\"errors\":[{\"index\":1,\"field\":\"a\",\"error\":\"y\"}]}", NULL},
        {504, "{\"stored\":\"partly\",\"failed\":[{\"index\":1,\"stored\":\"unknown\"}]}", NULL},
    };
    struct err_text why = {""};
    struct http_script *service = http_script_start(steps, 2, &why);
    char states[CHUNK_LINES + 1];

    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    CU_ASSERT_EQUAL(send_lines(http_script_url(service), three_lines, 0, states), SENDER_DONE);
    CU_ASSERT_STRING_EQUAL(states, "SRU");
    check_file(".rejected", "{\"n\":2}\n");
    check_file(".unknown", "{\"n\":3}\n");
    http_script_stop(service);
}

static void what_is_no_object_is_not_sent(void)
{
    static const char *const lines[] = {"{\"n\":1}", "[2]", "{\"n\":3,}"};
    static const struct http_script_step steps[] = {STORED};
    struct err_text why = {""};
    struct http_script *service = http_script_start(steps, 1, &why);
    char states[CHUNK_LINES + 1];

    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    CU_ASSERT_EQUAL(send_lines(http_script_url(service), lines, 0, states), SENDER_DONE);
    CU_ASSERT_STRING_EQUAL(states, "SRR");
    CU_ASSERT_STRING_EQUAL(http_script_body(service, 0), "{\"jobs\":[{\"n\":1}]}");
    check_file(".rejected", "[2]\n{\"n\":3,}\n");
    http_script_stop(service);
}

/* The port is one that a service just left. */
static void nobody_there_means_open(void)
{
    static const struct http_script_step steps[] = {STORED};
    struct err_text why = {""};
    struct http_script *service = http_script_start(steps, 1, &why);
    char states[CHUNK_LINES + 1], url[64];

    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    snprintf(url, sizeof url, "%s", http_script_url(service));
    http_script_stop(service);
    CU_ASSERT_EQUAL(send_lines(url, three_lines, 0, states), SENDER_GAVE_UP);
    CU_ASSERT_STRING_EQUAL(states, "ooo");
    check_file(".unknown", "");
}

static void a_full_disk_stops_it(void)
{
    static const struct http_script_step steps[] = {{504, "{\"stored\":\"unknown\"}", NULL}};
    struct err_text why = {""};
    struct http_script *service = http_script_start(steps, 1, &why);
    char states[CHUNK_LINES + 1];

    if (access("/dev/full", W_OK) != 0) {
        suite_skip("there is no /dev/full");
        http_script_stop(service);
        return;
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(service);
    snprintf(base, sizeof base, "%s", dir.path);
    {
        char link[sizeof base + 16];

        snprintf(link, sizeof link, "%s.unknown", base);
        CU_ASSERT_EQUAL(symlink("/dev/full", link), 0);
        CU_ASSERT_EQUAL(send_lines(http_script_url(service), three_lines, 0, states),
                        SENDER_BROKEN);
        CU_ASSERT_EQUAL(unlink(link), 0);
    }
    CU_ASSERT_EQUAL(http_script_count(service), 1);
    http_script_stop(service);
}

static const struct suite_test tests[] = {
    {"every answer decides the lines, and none that may be stored is sent again",
     every_answer_decides},
    {"refused and unknown lines are left in files", leftovers_are_kept},
    {"a line that is no object is refused and spoils no request", what_is_no_object_is_not_sent},
    {"where nobody listens the lines stay open", nobody_there_means_open},
    {"when what is left behind cannot be written, nothing more is sent", a_full_disk_stops_it},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "sender", tests, SUITE_COUNT(tests), setup, teardown);
}

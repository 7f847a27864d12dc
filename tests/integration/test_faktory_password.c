// SPDX-License-Identifier: MIT
/*
 * FAKTORY_PASSWORD of every program that speaks to Faktory: a Faktory in production mode, a
 * password that fits into no URL as it is, given as it is and as the path of a file, the same way
 * on both sides. And that nobody ever sees it.
 */
#include <sys/stat.h>

#include "common/base/buf.h"
#include "tests/integration/wf_fixture.h"
#include "tests/support/http_client.h"
#include "tests/support/tempdir.h"

#define PASSWORD "p@ss:w/rd %41#?"
#define ADD "{\"a\":2,\"b\":3}"

enum { SHORT_MS = 15000 };

static struct tempdir dir;
static struct faktory_server *faktory;
static struct service *api, *worker;
static char url[64], by_file[TEMPDIR_MAX + 32];
static const char by_value[] = "FAKTORY_PASSWORD=" PASSWORD;

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(by_file, sizeof by_file, "FAKTORY_PASSWORD=%s/password", dir.path);
}

static void teardown(void)
{
    service_free(api);
    service_free(worker);
    faktory_server_free(faktory);
    api = worker = NULL;
    faktory = NULL;
    tempdir_fini(&dir);
}

static const char *path_of(const char *name_and_value)
{
    return strchr(name_and_value, '=') + 1;
}

static void write_password(const char *text)
{
    FILE *file = fopen(path_of(by_file), "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
    CU_ASSERT_EQUAL_FATAL(chmod(path_of(by_file), 0600), 0);
}

/* In production; its own FAKTORY_PASSWORD is `given`. False after the test was skipped. */
static bool start_faktory(const char *given)
{
    const struct faktory_options options = {
        .password = PASSWORD, .given = given, .production = true};

    faktory = faktory_server_for_test(&options);
    if (!faktory)
        return false;
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", faktory_server_port(faktory));
    return true;
}

/* Has the service shown the password, or what it would be in a URL? */
static bool has_leaked(struct service *s)
{
    char *log = process_output(service_process(s));
    bool leaked = !log || strstr(log, PASSWORD) || strstr(log, "p%40ss");

    if (leaked)
        fprintf(stderr, "--- it is in this log:\n%s---\n", log ? log : "(none)");
    free(log);
    return leaked;
}

static bool one_is_done(const struct faktory_info *info, void *arg)
{
    (void)arg;
    return info->total_processed == 1;
}

static void add_a_job(void)
{
    static const char *const headers[] = {"Content-Type:", NULL};
    char place[64];
    struct http_call call = {.method = "POST", .url = place, .headers = headers, .body = ADD};
    struct http_answer answer;

    snprintf(place, sizeof place, "http://127.0.0.1:%d/jobs/add", service_port(api));
    CU_ASSERT_EQUAL_FATAL(http_request(&call, &answer, NULL), 0);
    CU_ASSERT_EQUAL(answer.status, 202);
    http_answer_fini(&answer);
}

/* A job through all of it, where each program is given `setting`; then wf looks at it. */
static void all_of_it(const char *setting)
{
    static const char *const doctor[] = {"doctor", "--only", "settings,faktory,version", NULL};
    static const char *const queues[] = {"queues", NULL};
    const char *env[] = {NULL, setting, NULL};
    char faktory_url[80], api_url[64];

    snprintf(faktory_url, sizeof faktory_url, "FAKTORY_URL=%s", url);
    env[0] = faktory_url;
    api = service_start_api(faktory, env, NULL);
    worker = service_start_worker(faktory, env, NULL);
    CU_ASSERT_FATAL(api && worker);
    add_a_job();
    CU_ASSERT(faktory_server_wait(faktory, one_is_done, NULL, SHORT_MS, NULL));

    snprintf(api_url, sizeof api_url, "WF_API_URL=http://127.0.0.1:%d", service_port(api));
    env[0] = api_url;
    CU_ASSERT_EQUAL(wf_run(url, env, doctor), 0);
    CU_ASSERT(wf_says("Faktory is version 1.9."));
    CU_ASSERT_PTR_NULL(strstr(wf_said, PASSWORD));
    CU_ASSERT_EQUAL(wf_run(url, env, queues), 0);
    CU_ASSERT(wf_says("default 0"));

    CU_ASSERT_EQUAL(service_stop(api), 0);
    CU_ASSERT_EQUAL(service_stop(worker), 0);
    CU_ASSERT_FALSE(has_leaked(api));
    CU_ASSERT_FALSE(has_leaked(worker));
}

static void by_its_value(void)
{
    if (start_faktory(PASSWORD))
        all_of_it(by_value);
}

/* Faktory reads the very same file. */
static void by_a_file(void)
{
    write_password(" " PASSWORD " \r\n\n");
    if (start_faktory(path_of(by_file)))
        all_of_it(by_file);
}

static void in_the_url(void)
{
    if (!start_faktory(PASSWORD))
        return;
    snprintf(url, sizeof url, "%s", faktory_server_url(faktory));
    CU_ASSERT_PTR_NOT_NULL(strstr(url, "p%40ss%3aw%2frd"));
    all_of_it(by_value);
}

static void doctor_knows_what_is_wrong(void)
{
    static const char *const wrong[] = {"FAKTORY_PASSWORD=geheim", NULL};

    if (!start_faktory(PASSWORD))
        return;
    CU_ASSERT_EQUAL(wf_doctor(url, "faktory", wrong), 2);
    CU_ASSERT(wf_says("Invalid password"));
    CU_ASSERT(wf_says("Compare the password, in FAKTORY_PASSWORD or in FAKTORY_URL"));
    CU_ASSERT_PTR_NULL(strstr(wf_said, "geheim"));
    CU_ASSERT_EQUAL(wf_doctor(url, "faktory", NULL), 2);
    CU_ASSERT(wf_says("Set FAKTORY_PASSWORD"));
}

/* ---- configuration errors; they need no Faktory ---- */

static const char *const programs[] = {"api-service", "worker-service", "wf"};

/* Runs it; its exit code. What it printed is in wf_said. */
static int run(const char *program, const char *const *env)
{
    static const char *const check[] = {"--check-config", NULL}, *const queues[] = {"queues", NULL};
    bool is_wf = strcmp(program, "wf") == 0;
    struct service *s = service_start(program, is_wf ? queues : check, NULL, env, NULL);
    int status = -1;
    char *text;

    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(process_wait(service_process(s), SHORT_MS, &status), 0);
    text = process_output(service_process(s));
    snprintf(wf_said, sizeof wf_said, "%s", text ? text : "");
    free(text);
    service_free(s);
    return status;
}

static void errors_come_together(void)
{
    const char *const env[] = {by_file, "FAKTORY_READ_TIMEOUT=1ms", "FAKTORY_URL=x://:geheim@y",
                               NULL};
    char wanted[256];

    for (int i = 0; i < SUITE_COUNT(programs); i++) {
        CU_ASSERT_EQUAL(run(programs[i], env), 2);
        snprintf(wanted, sizeof wanted,
                 "%s: FAKTORY_PASSWORD=\"%s\": expected one line of at most 255 bytes, or the path "
                 "of a file with it, which begins with a slash: No such file or directory\n",
                 programs[i], path_of(by_file));
        CU_ASSERT(wf_says(wanted));
        CU_ASSERT(wf_says("FAKTORY_READ_TIMEOUT=\"1ms\": expected"));
        CU_ASSERT(wf_says("FAKTORY_URL=\"x://:***@y\": expected"));
        CU_ASSERT_PTR_NULL(strstr(wf_said, "geheim"));
    }
}

static void two_that_differ(void)
{
    static const char *const option[] = {"queues", "--faktory", "tcp://:geheim@h", NULL};
    const char *const env[] = {by_value, "FAKTORY_URL=tcp://:geheim@h", "FAKTORY_READ_TIMEOUT=1ms",
                               NULL};

    for (int i = 0; i < SUITE_COUNT(programs); i++) {
        CU_ASSERT_EQUAL(run(programs[i], env), 2);
        CU_ASSERT(wf_says("FAKTORY_URL=\"tcp://:***@h:7419\": expected no password in it, or the "
                          "one of FAKTORY_PASSWORD, which differs"));
        CU_ASSERT(wf_says("FAKTORY_READ_TIMEOUT=\"1ms\": expected"));
        CU_ASSERT_PTR_NULL(strstr(wf_said, "geheim"));
        CU_ASSERT_PTR_NULL(strstr(wf_said, PASSWORD));
    }
    CU_ASSERT_EQUAL(wf_run(NULL, env, option), 2);
    CU_ASSERT(wf_says("--faktory \"tcp://:***@h:7419\": expected no password in it"));
    CU_ASSERT_PTR_NULL(strstr(wf_said, "geheim"));
}

static void check_config_hides_it(void)
{
    const char *const value[] = {by_value, NULL}, *const file[] = {by_file, NULL};

    write_password(PASSWORD "\n");
    for (int i = 0; i < 2; i++) { /* wf has no --check-config */
        CU_ASSERT_EQUAL(run(programs[i], value), 0);
        CU_ASSERT(wf_says("\nFAKTORY_PASSWORD=***\n"));
        CU_ASSERT_PTR_NULL(strstr(wf_said, PASSWORD));
        CU_ASSERT_EQUAL(run(programs[i], file), 0);
        CU_ASSERT(wf_says(by_file));
        CU_ASSERT_PTR_NULL(strstr(wf_said, PASSWORD));
    }
}

static const struct suite_test tests[] = {
    {"as it is, it takes jobs through both services, and wf to Faktory", by_its_value},
    {"as the path of a file that Faktory reads too, it does the same", by_a_file},
    {"in the URL as well, it does the same", in_the_url},
    {"wf doctor knows a wrong one and a missing one, and says which variable",
     doctor_knows_what_is_wrong},
    {"a file that is not there is named, beside all other errors", errors_come_together},
    {"two that differ are an error in every program, and neither is shown", two_that_differ},
    {"--check-config says that it is set, or where it is, but not what it is",
     check_config_hides_it},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "faktory_password", tests, SUITE_COUNT(tests), setup, teardown);
}

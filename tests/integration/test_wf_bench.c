// SPDX-License-Identifier: MIT
/* wf bench hands over to the bench beside it. */
#include "tests/integration/wf_fixture.h"
#include "tests/support/tempdir.h"

static void runs_bench(void)
{
    static const char *const list[] = {"bench", "--list", NULL};
    static const char *const bad[] = {"bench", "--repeat", "none", "--out", "/dev/null", NULL};

    CU_ASSERT_EQUAL(wf_run(NULL, NULL, list), 0);
    CU_ASSERT_TRUE(wf_says("drain"));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, bad), 2);
    CU_ASSERT_TRUE(wf_says("bench: not a number, or out of range: none"));
}

/* With --json standard output is one JSON document; both outputs end up in one file here. */
static void measures(void)
{
    static const char *const both[] = {"bench", "--json", "--out", "x", NULL};
    static const char *const smoke[] = {"bench", "--smoke", "--json", NULL};
    const char *bin = getenv("FAKTORY_BIN");
    char env_bin[600];
    const char *env[] = {env_bin, NULL};

    CU_ASSERT_EQUAL(wf_run(NULL, NULL, both), 2);
    CU_ASSERT_TRUE(wf_says("expected one of them"));
    if (faktory_server_missing()) {
        suite_skip(faktory_server_missing());
        return;
    }
    snprintf(env_bin, sizeof env_bin, "FAKTORY_BIN=%s", bin);
    CU_ASSERT_EQUAL(wf_run(NULL, env, smoke), 0);
    CU_ASSERT_TRUE(wf_says("\"what\":\"drain\",\"who\":\"ours\""));
}

/* What wf calls bench's options is what bench itself calls them. */
static void knows_its_options(void)
{
    static const char *const help[] = {"bench", "--help", NULL};
    char known[sizeof wf_said], path[512], log[TEMPDIR_MAX + 8], word[64];
    struct tempdir dir = {""};
    const char *build = getenv("WF_BUILD");
    const char *argv[] = {path, "--help", NULL};
    struct process_options options = {.argv = argv, .log_path = log};
    struct process *p;
    int options_n = 0;
    char *text;

    CU_ASSERT_PTR_NOT_NULL_FATAL(build);
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, help), 0);
    memcpy(known, wf_said, sizeof known);
    snprintf(path, sizeof path, "%s/bin/bench", build);
    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(log, sizeof log, "%s/log", dir.path);
    p = process_start(&options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_EQUAL(process_wait(p, WF_RUN_MS, NULL), 0);
    text = process_output(p);
    process_free(p);
    for (const char *at = text; at && (at = strstr(at, "\n  --")) != NULL; at++) {
        snprintf(word, sizeof word, "%.*s ", (int)strcspn(at + 3, " \n"), at + 3);
        if (strcmp(word, "--help ") == 0)
            continue;
        if (strcmp(word, "--json ") == 0) /* a flag of every command of wf */
            snprintf(word, sizeof word, "--out ");
        if (!strstr(known, word))
            printf("wf bench does not know %s\n", word);
        CU_ASSERT_PTR_NOT_NULL(strstr(known, word));
        options_n++;
    }
    CU_ASSERT_TRUE(options_n > 8);
    free(text);
    tempdir_fini(&dir);
}

static const struct suite_test tests[] = {
    {"bench is found beside wf, and its options and exit code go through", runs_bench},
    {"the bench runs, and its results can be had as JSON", measures},
    {"wf knows all options of bench", knows_its_options},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "wf_bench", tests, SUITE_COUNT(tests), NULL, NULL);
}

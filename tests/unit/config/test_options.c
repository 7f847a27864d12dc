// SPDX-License-Identifier: MIT
#include "common/config/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/support/suite.h"

struct config {
    int64_t size;
    const char *url;
};

static const struct env_var vars[] = {
    {.name = "T_SIZE",
     .kind = ENV_INT,
     .offset = offsetof(struct config, size),
     .fallback = "100",
     .min = 1,
     .max = 500,
     .help = "Most jobs in one push."},
    {.name = "T_URL",
     .kind = ENV_STRING,
     .offset = offsetof(struct config, url),
     .fallback = "tcp://localhost:7419",
     .secret = true,
     .help = "Where the job server is."},
};

/* 13 contradicts everything, and 100 is too much for one. */
static int check(const void *config, struct buf *errors)
{
    const struct config *c = config;

    if (c->size == 13)
        buf_add_str(errors, "T_SIZE=13 goes with nothing\n");
    else if (c->size == 100 && strcmp(c->url, "tcp://full") == 0)
        buf_add_str(errors, "T_URL is full with 100\n");
    else
        return 0;
    return ERR_INVALID;
}

/* 7 is ill. */
static int health(const void *config, struct buf *says, struct err_text *why)
{
    if (((const struct config *)config)->size == 7)
        return err_set(why, ERR_REFUSED, "7 is not well");
    buf_add_str(says, "all is well");
    return 0;
}

static const struct program program = {.name = "demo-service",
                                       .summary = "does nothing well",
                                       .version = "v1.2.3",
                                       .vars = vars,
                                       .n_vars = SUITE_COUNT(vars),
                                       .check = check,
                                       .health = health};

static const struct program plain_program = {.name = "demo-service",
                                             .summary = "does nothing at all",
                                             .version = "v1.2.3",
                                             .vars = vars,
                                             .n_vars = SUITE_COUNT(vars)};

static const struct program *started; /* by start() */
static struct config config;
static char file_path[64];
static char out[8192], err[8192]; /* what the last start() printed */

static void setup(void)
{
    int fd;

    unsetenv("T_SIZE");
    unsetenv("T_URL");
    started = &program;
    snprintf(file_path, sizeof file_path, "/tmp/test_options.XXXXXX");
    fd = mkstemp(file_path);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
}

static void teardown(void)
{
    unlink(file_path);
}

static void write_profile(const char *text)
{
    FILE *file = fopen(file_path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

static void read_back(FILE *file, char *text, size_t room)
{
    size_t n;

    rewind(file);
    n = fread(text, 1, room - 1, file);
    text[n] = '\0';
    fclose(file);
}

/* Runs options_start() with both streams caught. Up to three arguments; NULL ends them. */
static int start(const char *a, const char *b, const char *c)
{
    char *argv[] = {(char *)"demo-service", (char *)a, (char *)b, (char *)c, NULL};
    FILE *out_file = tmpfile(), *err_file = tmpfile();
    int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    int argc = 1, code;

    CU_ASSERT_FATAL(out_file && err_file && saved_out >= 0 && saved_err >= 0);
    while (argv[argc])
        argc++;
    fflush(stdout);
    dup2(fileno(out_file), STDOUT_FILENO);
    dup2(fileno(err_file), STDERR_FILENO);
    code = options_start(started, argc, argv, &config);
    fflush(stdout);
    dup2(saved_out, STDOUT_FILENO);
    dup2(saved_err, STDERR_FILENO);
    close(saved_out);
    close(saved_err);
    read_back(out_file, out, sizeof out);
    read_back(err_file, err, sizeof err);
    return code;
}

static void no_arguments_go_on_with_the_environment(void)
{
    setenv("T_SIZE", "7", 1);
    CU_ASSERT_EQUAL(start(NULL, NULL, NULL), -1);
    CU_ASSERT_EQUAL(config.size, 7);
    CU_ASSERT_STRING_EQUAL(out, "");
    CU_ASSERT_STRING_EQUAL(err, "");
}

static void help_shows_usage_options_and_settings(void)
{
    CU_ASSERT_EQUAL(start("--help", NULL, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "demo-service - does nothing well\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "Usage: demo-service [OPTION]...\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "--env-file FILE"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "--check-config"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "T_SIZE  100\n"));
    CU_ASSERT_STRING_EQUAL(err, "");
}

static void help_is_given_even_with_bad_settings(void)
{
    setenv("T_SIZE", "abc", 1);
    CU_ASSERT_EQUAL(start("--help", NULL, NULL), 0);
    CU_ASSERT_STRING_EQUAL(err, "");
}

static void version_is_printed(void)
{
    CU_ASSERT_EQUAL(start("--version", NULL, NULL), 0);
    CU_ASSERT_STRING_EQUAL(out, "demo-service v1.2.3\n");
}

static void check_config_shows_the_settings_in_force(void)
{
    setenv("T_URL", "tcp://:hunter2@host:1", 1);
    write_profile("T_SIZE=20\n");
    CU_ASSERT_EQUAL(start("--check-config", "--env-file", file_path), 0);
    CU_ASSERT_STRING_EQUAL(out, "T_SIZE=20\nT_URL=tcp://:***@host:1\n");
    CU_ASSERT_STRING_EQUAL(err, "");
}

static void env_file_is_loaded_in_both_spellings(void)
{
    char joined[128];

    write_profile("T_SIZE=21\n");
    CU_ASSERT_EQUAL(start("--env-file", file_path, NULL), -1);
    CU_ASSERT_EQUAL(config.size, 21);
    unsetenv("T_SIZE");
    write_profile("T_SIZE=22\n");
    snprintf(joined, sizeof joined, "--env-file=%s", file_path);
    CU_ASSERT_EQUAL(start(joined, NULL, NULL), -1);
    CU_ASSERT_EQUAL(config.size, 22);
}

static void environment_wins_over_the_file(void)
{
    setenv("T_SIZE", "30", 1);
    write_profile("T_SIZE=20\n");
    CU_ASSERT_EQUAL(start("--env-file", file_path, NULL), -1);
    CU_ASSERT_EQUAL(config.size, 30);
}

static void faults_of_file_and_environment_come_together(void)
{
    setenv("T_SIZE", "0", 1); /* then it is 100, which the program's own check looks at */
    setenv("T_URL", "tcp://full", 1);
    write_profile("T_URL='x'\n");
    CU_ASSERT_EQUAL(start("--check-config", "--env-file", file_path), 2);
    CU_ASSERT_STRING_EQUAL(out, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(err, ":1: T_URL: ' is not allowed in a value\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err, "\ndemo-service: T_SIZE=\"0\": expected a whole number from 1 to 500\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "\ndemo-service: T_URL is full with 100\n"));
}

static void health_is_asked_with_the_settings_in_force(void)
{
    CU_ASSERT_EQUAL(start("--health", NULL, NULL), 0);
    CU_ASSERT_STRING_EQUAL(out, "all is well\n");
    CU_ASSERT_STRING_EQUAL(err, "");
    write_profile("T_SIZE=7\n");
    CU_ASSERT_EQUAL(start("--health", "--env-file", file_path), 1);
    CU_ASSERT_STRING_EQUAL(out, "");
    CU_ASSERT_STRING_EQUAL(err, "demo-service: 7 is not well\n");
    CU_ASSERT_EQUAL(start("--help", NULL, NULL), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "  --health "));
}

static void health_is_not_asked_with_bad_settings(void)
{
    setenv("T_SIZE", "none", 1);
    CU_ASSERT_EQUAL(start("--health", NULL, NULL), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "demo-service: T_SIZE=\"none\": expected"));
}

static void health_is_unknown_to_a_program_without_one(void)
{
    started = &plain_program;
    CU_ASSERT_EQUAL(start("--health", NULL, NULL), 2);
    CU_ASSERT_STRING_EQUAL(err, "demo-service: unknown option \"--health\" (see --help)\n");
    CU_ASSERT_EQUAL(start("--help", NULL, NULL), 0);
    CU_ASSERT_PTR_NULL(strstr(out, "--health"));
}

static void program_check_is_asked(void)
{
    setenv("T_SIZE", "13", 1);
    CU_ASSERT_EQUAL(start("--check-config", NULL, NULL), 2);
    CU_ASSERT_STRING_EQUAL(err, "demo-service: T_SIZE=13 goes with nothing\n");
}

static void wrong_arguments_are_named(void)
{
    static const struct {
        const char *a, *b, *c, *message;
    } cases[] = {
        {"--hepl", NULL, NULL, "demo-service: unknown option \"--hepl\" (see --help)\n"},
        {"-x", NULL, NULL, "demo-service: unknown option \"-x\" (see --help)\n"},
        {"--env-files", "x", NULL,
         "demo-service: unknown option \"--env-files\" (see --help)\n"
         "demo-service: unexpected argument \"x\" (see --help)\n"},
        {"serve", NULL, NULL, "demo-service: unexpected argument \"serve\" (see --help)\n"},
        {"", NULL, NULL, "demo-service: unexpected argument \"\" (see --help)\n"},
        {"--env-file", NULL, NULL, "demo-service: --env-file needs the name of a file\n"},
        {"--env-file=", NULL, NULL, "demo-service: --env-file needs the name of a file\n"},
        {"--env-file=a", "--env-file", "b", "demo-service: --env-file is given twice\n"},
        {"--help", "--nonsense", NULL,
         "demo-service: unknown option \"--nonsense\" (see --help)\n"},
    };

    for (int i = 0; i < SUITE_COUNT(cases); i++) {
        CU_ASSERT_EQUAL(start(cases[i].a, cases[i].b, cases[i].c), 2);
        CU_ASSERT_STRING_EQUAL(err, cases[i].message);
        CU_ASSERT_STRING_EQUAL(out, "");
    }
}

static void missing_env_file_is_an_error(void)
{
    CU_ASSERT_EQUAL(start("--env-file", "/nonexistent/profile", NULL), 2);
    CU_ASSERT_STRING_EQUAL(err, "demo-service: /nonexistent/profile: No such file or directory\n");
}

static const struct suite_test tests[] = {
    {"without arguments the program goes on", no_arguments_go_on_with_the_environment},
    {"--help shows usage, options and settings", help_shows_usage_options_and_settings},
    {"--help works with bad settings too", help_is_given_even_with_bad_settings},
    {"--version prints name and version", version_is_printed},
    {"--check-config shows the settings in force", check_config_shows_the_settings_in_force},
    {"--env-file is taken in both spellings", env_file_is_loaded_in_both_spellings},
    {"the environment wins over the file", environment_wins_over_the_file},
    {"faults of file and environment are reported together",
     faults_of_file_and_environment_come_together},
    {"the program's own check is asked", program_check_is_asked},
    {"--health asks with the settings in force", health_is_asked_with_the_settings_in_force},
    {"--health needs good settings", health_is_not_asked_with_bad_settings},
    {"a program without health has no --health", health_is_unknown_to_a_program_without_one},
    {"wrong arguments are named", wrong_arguments_are_named},
    {"a missing env file is an error", missing_env_file_is_an_error},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "options", tests, SUITE_COUNT(tests), setup, teardown);
}

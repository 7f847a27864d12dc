// SPDX-License-Identifier: MIT
#include "common/config/env_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/support/suite.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

static char path[64];
static struct buf errors, out;

static void setup(void)
{
    int fd;

    snprintf(path, sizeof path, "/tmp/test_env_file.XXXXXX");
    fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    unsetenv("T_ONE");
    unsetenv("T_TWO");
}

static void teardown(void)
{
    unlink(path);
    buf_fini(&errors);
    buf_fini(&out);
}

static int load(const char *text, size_t len)
{
    FILE *file = fopen(path, "wb");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, len, file), len);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
    buf_clear(&errors);
    return env_file_load(path, &errors);
}

/* getenv, but "" for what is not set, so that a failing test does not crash. */
static const char *held(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

static void settings_are_loaded(void)
{
    CU_ASSERT_EQUAL(load(TEXT("# a comment = with 'things' $X\n\n \t\n"
                              "T_ONE=tcp://:p%40ss=1@[::1]:7419\nT_TWO=a,b")),
                    0);
    CU_ASSERT_EQUAL(errors.len, 0);
    CU_ASSERT_STRING_EQUAL(held("T_ONE"), "tcp://:p%40ss=1@[::1]:7419");
    CU_ASSERT_STRING_EQUAL(held("T_TWO"), "a,b"); /* without a newline at its end */
}

static void environment_wins(void)
{
    setenv("T_ONE", "mine", 1);
    setenv("T_TWO", "", 1);
    CU_ASSERT_EQUAL(load(TEXT("T_ONE=theirs\nT_TWO=2\n")), 0);
    CU_ASSERT_STRING_EQUAL(held("T_ONE"), "mine");
    CU_ASSERT_STRING_EQUAL(held("T_TWO"), "2"); /* empty counts as unset */
}

static void empty_values_and_files_are_fine(void)
{
    CU_ASSERT_EQUAL(load(TEXT("")), 0);
    CU_ASSERT_EQUAL(load(TEXT("\n\n")), 0);
    CU_ASSERT_EQUAL(load(TEXT("T_ONE=\n")), 0);
    CU_ASSERT_STRING_EQUAL(held("T_ONE"), "");
}

static const char name_value[] = "expected NAME=value";
static const struct {
    const char *text;
    size_t len;
    const char *message;
} bad[] = {
    {TEXT("T_ONE = 1"), name_value},
    {TEXT("T_ONE =1"), name_value},
    {TEXT("export T_ONE=1"), name_value},
    {TEXT(" T_ONE=1"), name_value},
    {TEXT("T_ONE"), name_value},
    {TEXT("=1"), name_value},
    {TEXT("1T=1"), name_value},
    {TEXT("T-ONE=1"), name_value},
    {TEXT("; T_ONE=1"), name_value},
    {TEXT(" # indented"), name_value},
    {TEXT("\xef\xbb\xbfT_ONE=1"), name_value},
    {TEXT("T_ONE=\"1\""), "T_ONE: \" is not allowed"},
    {TEXT("T_ONE='1'"), "T_ONE: ' is not allowed"},
    {TEXT("T_ONE=$HOME"), "T_ONE: $ is not allowed"},
    {TEXT("T_ONE=`id`"), "T_ONE: ` is not allowed"},
    {TEXT("T_ONE=1\\"), "T_ONE: \\ is not allowed"},
    {TEXT("T_ONE=~/x"), "T_ONE: ~ is not allowed"},
    {TEXT("T_ONE=1;id"), "T_ONE: ; is not allowed"},
    {TEXT("T_ONE=1&id"), "T_ONE: & is not allowed"},
    {TEXT("T_ONE=1|id"), "T_ONE: | is not allowed"},
    {TEXT("T_ONE=1>f"), "T_ONE: > is not allowed"},
    {TEXT("T_ONE=(1)"), "T_ONE: ( is not allowed"},
    {TEXT("T_ONE=1 # comment"), "T_ONE: a blank, control or non-ASCII byte is not allowed"},
    {TEXT("T_ONE= 1"), "T_ONE: a blank"},
    {TEXT("T_ONE=1\t"), "T_ONE: a blank"},
    {TEXT("T_ONE=\xc3\xa9"), "T_ONE: a blank"},
    {TEXT("T_ONE=1\0"), "T_ONE: a blank"},
    {TEXT("T_ONE=1\r\n"), "the line ends with CR LF"},
    {TEXT("# comment\r\n"), "the line ends with CR LF"},
    {TEXT("# goes on \\\nT_ONE=1"), "a comment ends with a backslash"},
    {TEXT("# zero\0\n"), "a NUL byte"},
    {TEXT("T_ONE=1\nT_ONE=1\n"), "T_ONE is set twice"},
};

static void every_other_syntax_is_refused(void)
{
    for (int i = 0; i < SUITE_COUNT(bad); i++) {
        CU_ASSERT_EQUAL(load(bad[i].text, bad[i].len), ERR_INVALID);
        if (!strstr(buf_str(&errors), bad[i].message)) {
            printf("       %s: %s\n", bad[i].text, buf_str(&errors));
            CU_FAIL("another message was expected");
        }
        CU_ASSERT_PTR_NULL(getenv("T_ONE"));
    }
}

static void all_faults_are_reported_and_nothing_is_set(void)
{
    CU_ASSERT_EQUAL(load(TEXT("T_ONE=1\nbad line\nT_TWO=$(id)\n")), ERR_INVALID);
    snprintf(buf_reserve(&out, 300), 300,
             "%s:2: expected NAME=value\n%s:3: T_TWO: $ is not allowed in a value\n", path, path);
    CU_ASSERT_STRING_EQUAL(buf_str(&errors), out.data);
    CU_ASSERT_PTR_NULL(getenv("T_ONE"));
}

static void missing_file_is_named(void)
{
    CU_ASSERT_EQUAL(env_file_load("/nonexistent/profile", &errors), ERR_IO);
    CU_ASSERT_STRING_EQUAL(buf_str(&errors), "/nonexistent/profile: No such file or directory\n");
}

static void directory_is_an_error(void)
{
    CU_ASSERT_EQUAL(env_file_load("/tmp", &errors), ERR_IO);
    CU_ASSERT_STRING_EQUAL(buf_str(&errors), "/tmp: Is a directory\n");
}

static void huge_file_is_refused(void)
{
    for (int i = 0; out.len <= ENV_FILE_MAX_BYTES; i++)
        buf_addf(&out, "T_%d=1\n", i);
    CU_ASSERT_EQUAL(load(out.data, out.len), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&errors), "larger than 64 KiB"));
    CU_ASSERT_PTR_NULL(getenv("T_0"));
}

/* ---- against the shell ---- */

static int remember(void *ctx, const char *name, const char *value)
{
    buf_addf(ctx, "%s=%s\n", name, value);
    return 0;
}

/* Runs `set -a; . FILE` in the system's shell and gives what it put into the environment. */
static void read_with_shell(struct buf *result)
{
    char command[256], part[4096];
    size_t n;
    FILE *shell;

    snprintf(command, sizeof command,
             "env -i /bin/sh -c 'set -a; . %s; exec /usr/bin/env' | grep ^T_ | LC_ALL=C sort",
             path);
    shell = popen(command, "r"); /* NOLINT(cert-env33-c): the shell is what is tested */
    CU_ASSERT_PTR_NOT_NULL_FATAL(shell);
    while ((n = fread(part, 1, sizeof part, shell)) > 0)
        buf_add(result, part, n);
    CU_ASSERT_EQUAL(pclose(shell), 0);
}

/* Each byte that is allowed stands first, in the middle, last, doubled and after a colon. */
static void shell_reads_every_allowed_character_alike(void)
{
    struct buf file = BUF_INIT(0), theirs = BUF_INIT(0);
    int allowed = 0;

    for (int c = 1; c < 256; c++) {
        char line[128];
        int len = snprintf(line, sizeof line, "T_%03d=%c-x%cy%c%c:%c,a=%c\n", c, c, c, c, c, c, c);

        if (env_file_parse(line, (size_t)len, "line", remember, &out, &errors) == 0) {
            buf_add(&file, line, (size_t)len);
            allowed++;
        }
    }
    CU_ASSERT_TRUE(allowed >= 26 + 26 + 10 + 10);
    CU_ASSERT_EQUAL(load(file.data, file.len), 0);
    read_with_shell(&theirs);
    CU_ASSERT_STRING_EQUAL(buf_str(&theirs), buf_str(&out));
    buf_fini(&file);
    buf_fini(&theirs);
}

static const struct suite_test tests[] = {
    {"settings are loaded", settings_are_loaded},
    {"what the environment holds wins", environment_wins},
    {"empty values and files are fine", empty_values_and_files_are_fine},
    {"every other syntax is refused", every_other_syntax_is_refused},
    {"all faults are reported and nothing is set", all_faults_are_reported_and_nothing_is_set},
    {"a missing file is named", missing_file_is_named},
    {"a directory is an error", directory_is_an_error},
    {"a huge file is refused", huge_file_is_refused},
    {"the shell reads every allowed character alike", shell_reads_every_allowed_character_alike},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "env_file", tests, SUITE_COUNT(tests), setup, teardown);
}

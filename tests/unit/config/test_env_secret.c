// SPDX-License-Identifier: MIT
#include "common/config/env_secret.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

enum { NOBODY = 65534 };

static struct tempdir dir;
static char path[TEMPDIR_MAX + 16];
static struct env_secret secret;
static struct buf why, shown;

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(tempdir_init(&dir, NULL), 0);
    snprintf(path, sizeof path, "%s/secret", dir.path);
    memset(&secret, 0, sizeof secret);
}

static void teardown(void)
{
    tempdir_fini(&dir);
    buf_fini(&why);
    buf_fini(&shown);
}

static int read_value(const char *value)
{
    buf_clear(&why);
    return env_secret_read(value, &secret, &why);
}

static int read_file_with(const char *text, size_t len)
{
    FILE *file = fopen(path, "wb");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, len, file), len);
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
    return read_value(path);
}

static const char *show(const char *value)
{
    buf_clear(&shown);
    env_secret_show(value, &shown);
    return buf_str(&shown);
}

static void a_value_is_taken_as_it_is(void)
{
    static const char *const values[] = {
        "x", "p@ss:w/rd %41#?", " blanks around ", "tcp://h@x", "\t\x01\x7f\xff", "'\"$HOME`\\",
    };

    for (size_t i = 0; i < SUITE_COUNT(values); i++) {
        CU_ASSERT_EQUAL(read_value(values[i]), 0);
        CU_ASSERT_STRING_EQUAL(secret.text, values[i]);
        CU_ASSERT_PTR_NULL(secret.file);
        CU_ASSERT_EQUAL(why.len, 0);
    }
    CU_ASSERT_EQUAL(read_value(""), 0);
    CU_ASSERT_STRING_EQUAL(secret.text, "");
}

static void a_value_with_a_line_break_is_refused(void)
{
    static const char *const values[] = {"hunter2\n", "\nhunter2", "hunter2\r", "hun\nter2"};

    snprintf(secret.text, sizeof secret.text, "before");
    for (size_t i = 0; i < SUITE_COUNT(values); i++) {
        CU_ASSERT_EQUAL(read_value(values[i]), ERR_INVALID);
        CU_ASSERT_STRING_EQUAL(buf_str(&why), "there is a line break in it");
    }
    CU_ASSERT_STRING_EQUAL(secret.text, "before");
}

static void a_slash_names_a_file(void)
{
    CU_ASSERT_EQUAL(read_file_with(TEXT("p@ss:w/rd %41#?\n")), 0);
    CU_ASSERT_STRING_EQUAL(secret.text, "p@ss:w/rd %41#?");
    CU_ASSERT_STRING_EQUAL(secret.file, path);
    CU_ASSERT_EQUAL(read_file_with(TEXT("/begins/with/a/slash")), 0);
    CU_ASSERT_STRING_EQUAL(secret.text, "/begins/with/a/slash");
    /* as Faktory does */
    CU_ASSERT_EQUAL(read_file_with(TEXT(" \t\r\n\v\fa b\tc \r\n\n")), 0);
    CU_ASSERT_STRING_EQUAL(secret.text, "a b\tc");
    CU_ASSERT_EQUAL(read_value("b"), 0);
    CU_ASSERT_PTR_NULL(secret.file);
}

static void a_file_that_has_no_secret_is_refused(void)
{
    CU_ASSERT_EQUAL(read_file_with(TEXT("")), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "the file is empty");
    CU_ASSERT_EQUAL(read_file_with(TEXT(" \n\t\r\n")), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "the file is empty");
    CU_ASSERT_EQUAL(read_file_with(TEXT("hunter2\nmore")), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "there is a line break in it");
    CU_ASSERT_EQUAL(read_file_with(TEXT("hunter2\0\n")), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "there is a NUL byte in it");
}

static void what_is_no_file_is_refused(void)
{
    CU_ASSERT_EQUAL(read_value(path), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "No such file or directory");
    CU_ASSERT_EQUAL(read_value(dir.path), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "that is no regular file");
    CU_ASSERT_EQUAL(read_value("/dev/null"), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "that is no regular file");
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0); /* and nobody ever writes to it */
    CU_ASSERT_EQUAL(read_value(path), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "that is no regular file");
    CU_ASSERT_STRING_EQUAL(secret.text, "");
}

static void a_file_that_may_not_be_read_is_refused(void)
{
    bool root = geteuid() == 0;

    CU_ASSERT_EQUAL(read_file_with(TEXT("hunter2")), 0);
    CU_ASSERT_EQUAL_FATAL(chmod(path, 0), 0);
    if (root) /* who may read every file */
        CU_ASSERT_EQUAL_FATAL(seteuid(NOBODY), 0);
    CU_ASSERT_EQUAL(read_value(path), ERR_INVALID);
    if (root)
        CU_ASSERT_EQUAL_FATAL(seteuid(0), 0);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "Permission denied");
}

/* A secret of `len` bytes in a file, and behind it `blanks`. */
static int read_sized_file(size_t len, size_t blanks)
{
    static char text[3 * 4096];

    memset(text, 'x', len);
    memset(text + len, '\n', blanks);
    return read_file_with(text, len + blanks);
}

static void the_longest_secret_has_255_bytes(void)
{
    char text[ENV_SECRET_MAX + 1];

    memset(text, 'x', ENV_SECRET_MAX);
    text[ENV_SECRET_MAX] = '\0';
    CU_ASSERT_EQUAL(read_value(text), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "it is longer");
    CU_ASSERT_EQUAL(read_value(text + 1), 0);
    CU_ASSERT_STRING_EQUAL(secret.text, text + 1);
    CU_ASSERT_EQUAL(read_sized_file(ENV_SECRET_MAX - 1, 1), 0);
    CU_ASSERT_STRING_EQUAL(secret.text, text + 1);
    CU_ASSERT_EQUAL(read_sized_file(ENV_SECRET_MAX, 1), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "it is longer");
    /* a log or a picture, by mistake */
    CU_ASSERT_EQUAL(read_sized_file(2 * 4096, 0), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&why), "it is longer");
    CU_ASSERT_EQUAL(read_sized_file(1, 4095), 0);
    CU_ASSERT_EQUAL(read_sized_file(1, 2 * 4096), ERR_INVALID);
}

static void a_path_is_shown_and_a_secret_is_not(void)
{
    CU_ASSERT_STRING_EQUAL(show(""), "");
    CU_ASSERT_STRING_EQUAL(show("hunter2"), "***");
    CU_ASSERT_STRING_EQUAL(show("tcp://hunter2@x"), "***");
    CU_ASSERT_STRING_EQUAL(show(path), path);
    CU_ASSERT_STRING_EQUAL(show("/dev/no/such/file"), "/dev/no/such/file");
    /* `openssl rand -base64` begins with a slash now and then */
    CU_ASSERT_STRING_EQUAL(show("/hunter2+abc="), "***");
    CU_ASSERT_STRING_EQUAL(show("/hunter2/abc="), "***");
    CU_ASSERT_STRING_EQUAL(show("//hunter2"), "***");
}

static const struct suite_test tests[] = {
    {"a value is taken byte by byte", a_value_is_taken_as_it_is},
    {"a value with a line break is refused", a_value_with_a_line_break_is_refused},
    {"a value that begins with a slash names a file, which may end with a line break",
     a_slash_names_a_file},
    {"a file that is empty or has more than a line is refused",
     a_file_that_has_no_secret_is_refused},
    {"a folder, a device, a pipe and nothing at all are refused at once",
     what_is_no_file_is_refused},
    {"a file that may not be read is refused", a_file_that_may_not_be_read_is_refused},
    {"a secret has 255 bytes at most, in a variable and in a file",
     the_longest_secret_has_255_bytes},
    {"the path of a file is shown, a secret is not", a_path_is_shown_and_a_secret_is_not},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "env_secret", tests, SUITE_COUNT(tests), setup, teardown);
}

// SPDX-License-Identifier: MIT
/* FAKTORY_URL: what is accepted, what is refused, and that the password never shows. */
#include <stdio.h>
#include <string.h>

#include "common/faktory/url.h"
#include "tests/support/suite.h"

static void test_accepted(void)
{
    static const struct {
        const char *text, *host, *port, *password, *shown;
    } cases[] = {
        {"tcp://localhost", "localhost", "7419", "", "tcp://localhost:7419"},
        {"tcp://localhost:7419", "localhost", "7419", "", "tcp://localhost:7419"},
        {"tcp://10.0.0.7:1", "10.0.0.7", "1", "", "tcp://10.0.0.7:1"},
        {"tcp://h:65535/", "h", "65535", "", "tcp://h:65535"},
        {"tcp://h/", "h", "7419", "", "tcp://h:7419"},
        {"tcp://:s3cret@h:7500", "h", "7500", "s3cret", "tcp://:***@h:7500"},
        {"tcp://user:s3cret@h", "h", "7419", "s3cret", "tcp://:***@h:7419"},
        {"tcp://:@h", "h", "7419", "", "tcp://h:7419"},
        {"tcp://:a%40b%3Ac%2f%25@h", "h", "7419", "a@b:c/%", "tcp://:***@h:7419"},
        {"tcp://:a:b@h", "h", "7419", "a:b", "tcp://:***@h:7419"},
        {"tcp://:a@b@h", "h", "7419", "a@b", "tcp://:***@h:7419"},
        {"tcp://[::1]", "::1", "7419", "", "tcp://[::1]:7419"},
        {"tcp://:pw@[fe80::2%25eth0]:80", "fe80::2%25eth0", "80", "pw",
         "tcp://:***@[fe80::2%25eth0]:80"},
        {"tcp://h:00080", "h", "80", "", "tcp://h:80"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err_text why = {""};
        char shown[URL_SHOWN_MAX];
        struct url url;

        CU_ASSERT_EQUAL(url_parse(cases[i].text, &url, &why), 0);
        CU_ASSERT_STRING_EQUAL(url.host, cases[i].host);
        CU_ASSERT_STRING_EQUAL(url.port, cases[i].port);
        CU_ASSERT_STRING_EQUAL(url.password, cases[i].password);
        url_redacted(&url, shown);
        CU_ASSERT_STRING_EQUAL(shown, cases[i].shown);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "tcp://"},
        {"localhost:7419", "tcp://"},
        {"http://localhost", "tcp://"},
        {"TCP://localhost", "tcp://"},
        {"tcp+tls://localhost", "TLS"},
        {"tcp://", "host"},
        {"tcp:///", "host"},
        {"tcp://:7419", "host"},
        {"tcp://:pw@", "host"},
        {"tcp://:pw@:7419", "host"},
        {"tcp://pw@h", "colon before the password"},
        {"tcp://h:", "port"},
        {"tcp://h:0", "port"},
        {"tcp://h:65536", "port"},
        {"tcp://h:123456", "port"},
        {"tcp://h:-1", "port"},
        {"tcp://h:7419x", "port"},
        {"tcp://h:74 19", "port"},
        {"tcp://h:7419/path", "port"},
        {"tcp://h/path", "host"},
        {"tcp://h?x=1", "host"},
        {"tcp://a b", "host"},
        {"tcp://h\n", "host"},
        {"tcp://::1", "host"},
        {"tcp://[::1", "host"},
        {"tcp://[]:1", "host"},
        {"tcp://[::1]x", "host"},
        {"tcp://[[]:79", "host"},
        {"tcp://a]", "host"},
        {"tcp://:%4@h", "%xx"},
        {"tcp://:%zz@h", "%xx"},
        {"tcp://:%@h", "%xx"},
        {"tcp://:a%00b@h", "%xx"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err_text why = {""};
        struct url url;

        CU_ASSERT_EQUAL(url_parse(cases[i].text, &url, &why), ERR_INVALID);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, cases[i].says));
        if (!strstr(why.text, cases[i].says))
            fprintf(stderr, "%s: %s\n", cases[i].text, why.text);
        CU_ASSERT_EQUAL(url_parse(cases[i].text, &url, NULL), ERR_INVALID);
    }
}

/* A URL with a host and a password of these lengths. */
static int parse_sized(int host, int password, struct url *url)
{
    static char text[4096];
    int n = snprintf(text, sizeof text, "tcp://:");

    memset(text + n, 'p', (size_t)password);
    n += password;
    text[n++] = '@';
    memset(text + n, 'h', (size_t)host);
    text[n + host] = '\0';
    return url_parse(text, url, NULL);
}

static void test_lengths(void)
{
    struct url url;

    CU_ASSERT_EQUAL(parse_sized(URL_HOST_MAX - 1, URL_PASSWORD_MAX - 1, &url), 0);
    CU_ASSERT_EQUAL(strlen(url.host), URL_HOST_MAX - 1);
    CU_ASSERT_EQUAL(strlen(url.password), URL_PASSWORD_MAX - 1);
    CU_ASSERT_EQUAL(parse_sized(URL_HOST_MAX, 1, &url), ERR_INVALID);
    CU_ASSERT_EQUAL(parse_sized(1, URL_PASSWORD_MAX, &url), ERR_INVALID);
    CU_ASSERT_EQUAL(parse_sized(2000, 2000, &url), ERR_INVALID);
}

static void test_secret(void)
{
    static const char *const texts[] = {
        "tcp://:hunter2@",       "tcp://:hunter2@h:x",   "tcp://hunter2@h",
        "tcp://:hunter2%zz@h",   "tcp+tls://:hunter2@h", "tcp://:hunter2@h/x",
        "http://:hunter2@h:741", "tcp://:hunter2@[::1",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf expected = BUF_INIT(0);

        CU_ASSERT_EQUAL(url_check(texts[i], &expected), ERR_INVALID);
        CU_ASSERT(expected.len > 0);
        CU_ASSERT_PTR_NULL(strstr(buf_str(&expected), "hunter2"));
        buf_fini(&expected);
    }
}

static void test_check(void)
{
    struct buf expected = BUF_INIT(0);

    CU_ASSERT_EQUAL(url_check("tcp://:pw@h:1", &expected), 0);
    CU_ASSERT_EQUAL(expected.len, 0);
    buf_fini(&expected);
}

static void test_password_beside(void)
{
    static const struct {
        const char *text, *beside, *password;
    } cases[] = {
        {"tcp://h", "p@ss:w/rd %41#?", "p@ss:w/rd %41#?"},
        {"tcp://:%41b@h", "Ab", "Ab"}, /* the same, once it is decoded */
        {"tcp://:ab@h", "", "ab"},
        {"tcp://:@h", "ab", "ab"},
        {"tcp://h", "", ""},
    };
    struct buf errors = BUF_INIT(0);
    struct url url;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(url_parse_with(cases[i].text, cases[i].beside, &url, NULL), 0);
        CU_ASSERT_STRING_EQUAL(url.password, cases[i].password);
        CU_ASSERT_EQUAL(url_check_with(cases[i].text, cases[i].beside, "U=", &errors), 0);
    }
    CU_ASSERT_EQUAL(url_check_with("ftp://h", "ab", "U=", &errors), 0); /* for url_check() */
    CU_ASSERT_EQUAL(errors.len, 0);
    CU_ASSERT_EQUAL(url_parse_with("ftp://h", "ab", &url, NULL), ERR_INVALID);
    buf_fini(&errors);
}

static void test_two_passwords(void)
{
    struct buf errors = BUF_INIT(0);
    struct err_text why;
    struct url url;

    CU_ASSERT_EQUAL(url_parse_with("tcp://:hunter2@h", "geheim", &url, &why), ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "FAKTORY_PASSWORD, which differs"));
    CU_ASSERT_PTR_NULL(strstr(why.text, "hunter2"));
    CU_ASSERT_PTR_NULL(strstr(why.text, "geheim"));
    CU_ASSERT_EQUAL(url_check_with("tcp://:hunter2@h", "geheim", "U=", &errors), ERR_INVALID);
    CU_ASSERT_STRING_EQUAL(buf_str(&errors),
                           "U=\"tcp://:***@h:7419\": expected no password in it, or the one of "
                           "FAKTORY_PASSWORD, which differs\n");
    buf_fini(&errors);
}

static void test_longest_beside(void)
{
    char longest[URL_PASSWORD_MAX + 1];
    struct url url;

    memset(longest, 'p', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CU_ASSERT_EQUAL(url_parse_with("tcp://h", longest, &url, NULL), ERR_INVALID);
    CU_ASSERT_EQUAL(url_parse_with("tcp://h", longest + 1, &url, NULL), 0);
    CU_ASSERT_STRING_EQUAL(url.password, longest + 1);
}

static const struct suite_test tests[] = {
    {"good URLs give host, port and password, and are shown without it", test_accepted},
    {"bad URLs are refused with what is expected", test_refused},
    {"host and password have a longest length", test_lengths},
    {"no sentence about a bad URL holds the password", test_secret},
    {"a password beside the URL is taken, also when the URL has the same", test_password_beside},
    {"two passwords that differ are refused, and neither is shown", test_two_passwords},
    {"a password beside the URL is no longer than one in it", test_longest_beside},
    {"as the check of a setting it says nothing about a good one", test_check},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "url", tests, SUITE_COUNT(tests), NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* What Faktory's answers to a PUSHB mean for each job. */
#include <string.h>

#include "common/push/push_reply.h"
#include "tests/support/suite.h"

static struct push_reply read_reply(enum resp_kind kind, const char *text)
{
    struct resp_reply reply = {kind, text, strlen(text)};
    struct push_reply parsed;

    push_reply_read(&parsed, &reply);
    return parsed;
}

static void expect(const struct push_reply *r, const char *jid, enum push_outcome wanted,
                   const char *says)
{
    struct err_text why = {""};

    CU_ASSERT_EQUAL(push_reply_outcome(r, jid, &why), wanted);
    if (says)
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, says));
}

static void test_all_stored(void)
{
    struct push_reply r = read_reply(RESP_BULK, "{}");

    expect(&r, "12345678", PUSH_STORED, NULL);
    r = read_reply(RESP_BULK, " { } ");
    expect(&r, "12345678", PUSH_STORED, NULL);
}

static void test_error_map(void)
{
    struct push_reply r = read_reply(
        RESP_BULK,
        "{\"bad\\u002djid\":\"jobs must have a jobtype parameter\","
        "\"slow-jid\":\"context deadline exceeded\","
        "\"late-jid\":\"shutdown in progress\",\"at-jid\":\"invalid timestamp for 'at': x\","
        "\"odd-jid\":7,\"long-jid\":\"jobs cannot be reserved for more than one day\"}");

    expect(&r, "good-jid", PUSH_STORED, NULL);
    expect(&r, "bad-jid", PUSH_REFUSED, "jobtype");
    expect(&r, "slow-jid", PUSH_UNKNOWN, "deadline");
    expect(&r, "late-jid", PUSH_AWAY, "shutdown");
    expect(&r, "at-jid", PUSH_REFUSED, "timestamp");
    expect(&r, "long-jid", PUSH_REFUSED, "reserved");
    expect(&r, "odd-jid", PUSH_UNKNOWN, "Faktory answered");
}

static void test_whole_command(void)
{
    static const struct {
        const char *text;
        enum push_outcome outcome;
    } cases[] = {
        {"ERR invalid JSON: unexpected end", PUSH_REFUSED},
        {"ERR cannot get \"a b\" queue: queue names must match", PUSH_REFUSED},
        {"ERR context deadline exceeded", PUSH_UNKNOWN},
        {"ERR MISCONF Redis is configured to save RDB snapshots", PUSH_UNKNOWN},
        {"ERR dial unix /x/redis.sock: connect: no such file", PUSH_UNKNOWN},
        {"ERR something that nobody has seen yet", PUSH_UNKNOWN},
        {"ERR shutdown in progress", PUSH_AWAY},
        {"ERR too many connections: 2001", PUSH_AWAY},
        {"", PUSH_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct push_reply r = read_reply(RESP_ERROR, cases[i].text);

        expect(&r, "12345678", cases[i].outcome, cases[i].text);
    }
}

/* An answer that Faktory never gives says nothing about the jobs. */
static void test_strange(void)
{
    static const struct {
        enum resp_kind kind;
        const char *text;
    } cases[] = {{RESP_STATUS, "OK"},         {RESP_NIL, ""},        {RESP_BULK, ""},
                 {RESP_BULK, "[]"},           {RESP_BULK, "null"},   {RESP_BULK, "{\"a\":1"},
                 {RESP_BULK, "invalid JSON"}, {RESP_BULK, "\"{}\""}, {RESP_STATUS, "invalid JSON"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct push_reply r = read_reply(cases[i].kind, cases[i].text);

        expect(&r, "12345678", PUSH_UNKNOWN, "Faktory answered");
    }
}

static const struct suite_test tests[] = {
    {"an empty object says that all are stored", test_all_stored},
    {"an object of errors names the jobs that are not stored", test_error_map},
    {"an error for the whole command is certain or open", test_whole_command},
    {"an answer of a strange form leaves the outcome open", test_strange},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "push_reply", tests, SUITE_COUNT(tests), NULL, NULL);
}

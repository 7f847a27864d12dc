// SPDX-License-Identifier: MIT
/* faktory_connect() against a peer that does not greet like Faktory, or says no. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "tests/fault/peer.h"
#include "tests/fault/rig.h"
#include "tests/support/suite.h"

/* Against this greeting and this answer to HELLO no job goes in; `says` is in the reason. */
static void refuse_handshake(const char *hi, const char *hello, const char *password,
                             const char *says)
{
    const struct peer_rule rules[] = {
        {.verb = "HI", .bytes = hi},
        {.verb = "HELLO", .action = PEER_CLOSE, .bytes = hello},
    };
    struct peer *peer = peer_start(rules, SUITE_COUNT(rules), NULL);
    struct faktory_settings settings;
    struct err_text why = {""};
    struct faktory *c;
    int code = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    settings = rig_settings(peer_url(peer));
    snprintf(settings.url.password, sizeof settings.url.password, "%s", password);
    c = faktory_connect(&settings, NULL, &code, &why);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT(code < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, says));
    if (!strstr(why.text, says))
        fprintf(stderr, "%s", why.text);
    if (strlen(password) > 0)
        CU_ASSERT_PTR_NULL(strstr(why.text, password));
    faktory_drop(c);
    peer_free(peer);
}

static void test_refused(void)
{
    static const char hi[] = "+HI {\"v\":2,\"i\":4000,\"s\":\"abc\"}\r\n";

    refuse_handshake("HTTP/1.1 400 Bad Request\r\n", "+OK\r\n", "", "not a Faktory reply");
    refuse_handshake("+OK\r\n", "+OK\r\n", "", "greet");
    refuse_handshake("+HI \r\n", "+OK\r\n", "", "greet");
    refuse_handshake("+HI {\"v\":\r\n", "+OK\r\n", "", "greet");
    refuse_handshake("+HI [2]\r\n", "+OK\r\n", "", "greet");
    refuse_handshake("$2\r\nHI\r\n", "+OK\r\n", "", "greet");
    refuse_handshake("+HI {\"v\":2,\"i\":99999999999,\"s\":\"abc\"}\r\n", "+OK\r\n", "pw",
                     "rounds");
    refuse_handshake("+HI {\"v\":2,\"i\":\"4\",\"s\":\"abc\"}\r\n", "+OK\r\n", "pw", "rounds");
    refuse_handshake("+HI {\"v\":2,\"i\":1,\"s\":7}\r\n", "+OK\r\n", "pw", "salt");
    refuse_handshake(hi, "+OK\r\n", "", "wants a password");
    refuse_handshake(hi, "-ERR Invalid password\r\n", "hunter2", "Invalid password");
    refuse_handshake("+HI {\"v\":2}\r\n", "$2\r\n{}\r\n", "", "refused");
    refuse_handshake("+HI {\"v\":2}\r\n", "", "", "closed");
}

/* A peer that accepts and says nothing is given up soon, whatever the read time-out is. */
static void test_silent(void)
{
    const struct peer_rule rules[] = {{.verb = "HI", .action = PEER_STALL}};
    struct peer *peer = peer_start(rules, SUITE_COUNT(rules), NULL);
    struct faktory_settings settings;
    struct err_text why = {""};
    int64_t before = clock_ms();

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    settings = rig_settings(peer_url(peer));
    settings.net.read_ms = 60000;
    CU_ASSERT_PTR_NULL(faktory_connect(&settings, NULL, NULL, &why));
    CU_ASSERT(clock_ms() - before < 8000);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "TLS"));
    peer_free(peer);
}

static const struct suite_test tests[] = {
    {"a handshake with nonsense or a wrong password fails with a reason", test_refused},
    {"a peer that accepts and says nothing is given up soon", test_silent},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "handshake", tests, SUITE_COUNT(tests), NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "tools/wf/stranger.h"

#include <string.h>

#include "common/faktory/net.h"

enum { PATIENCE_MS = 2000, ANSWER_MAX = 8 };

/* The smallest ClientHello there can be, so that any TLS server says in an alert (a record of type
 * 21, version 3.x) that it does not like it; one of HTTP; one of Redis, with and without password.
 */
static const struct {
    enum doctor_stranger who;
    const char *say;
    size_t say_len;
    const char *answer;
} attempts[] = {
    {STRANGER_TLS, "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, "\x15\x03"},
    {STRANGER_HTTP, "GET / HTTP/1.0\r\n\r\n", 18, "HTTP/"},
    {STRANGER_REDIS, "PING\r\n", 6, "+PONG"},
    {STRANGER_REDIS, "PING\r\n", 6, "-NOAUTH"},
};

/* Does it answer like that? */
static bool answers(struct net *n, size_t attempt)
{
    size_t wanted = strlen(attempts[attempt].answer), have = 0;
    char answer[ANSWER_MAX];

    if (net_send(n, attempts[attempt].say, attempts[attempt].say_len, NULL) != 0)
        return false;
    while (have < wanted) {
        int got = net_recv(n, answer + have, wanted - have, NULL);

        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return memcmp(answer, attempts[attempt].answer, wanted) == 0;
}

enum doctor_stranger stranger_ask(const struct url *url, const struct net_options *net)
{
    struct net_options brief = *net;

    brief.read_ms = brief.write_ms = PATIENCE_MS;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        struct net *n = net_connect(url->host, url->port, &brief, NULL);
        bool found = n && answers(n, i);

        net_close(n);
        if (!n)
            break;
        if (found)
            return attempts[i].who;
    }
    return STRANGER_UNKNOWN;
}

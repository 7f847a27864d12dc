// SPDX-License-Identifier: MIT
#include "common/faktory/faktory.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/faktory/password.h"
#include "common/json/json.h"
#include "common/json/json_write.h"

enum {
    RECEIVE_LEAST = 4096,
    HANDSHAKE_MS = 5000, /* Faktory itself gives up after 2 s */
};

struct faktory {
    struct net *net;
    struct resp_reader *reader;
};

int faktory_send(struct faktory *f, const char *lines, size_t len, struct err_text *why)
{
    return net_send(f->net, lines, len, why);
}

static int receive_with(int (*recv)(struct net *, void *, size_t, struct err_text *),
                        struct faktory *f, struct err_text *why)
{
    size_t room;
    char *to = resp_room(f->reader, RECEIVE_LEAST, &room);
    int n;

    if (!to)
        return err_set(why, ERR_NOMEM, "out of memory for a reply");
    n = recv(f->net, to, room, why);
    if (n > 0)
        resp_fed(f->reader, (size_t)n);
    return n;
}

int faktory_receive(struct faktory *f, struct err_text *why)
{
    return receive_with(net_try_recv, f, why);
}

int faktory_next(struct faktory *f, struct resp_reply *reply, struct err_text *why)
{
    return resp_next(f->reader, reply, why);
}

/* Waits until there is something to read, or it is too late. */
static int await_bytes(struct faktory *f, int64_t deadline_ms, struct err_text *why)
{
    struct pollfd p = {.fd = net_fd(f->net), .events = POLLIN};
    int ready;

    do
        ready = poll(&p, 1, clock_poll_ms(deadline_ms, INT_MAX));
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? 0 : err_set(why, ERR_TIMEOUT, "no answer in time");
}

/* Blocks for one reply, but not beyond the deadline; without one the read time-out holds. */
static int await_reply(struct faktory *f, int64_t deadline_ms, struct resp_reply *reply,
                       struct err_text *why)
{
    for (;;) {
        int code = resp_next(f->reader, reply, why);

        if (code != 0)
            return code > 0 ? 0 : code;
        if (deadline_ms != CLOCK_NEVER && (code = await_bytes(f, deadline_ms, why)) != 0)
            return code;
        code = receive_with(net_recv, f, why);
        if (code < 0)
            return code;
    }
}

int faktory_call(struct faktory *f, const char *command, struct resp_reply *reply,
                 struct err_text *why)
{
    struct buf line = BUF_INIT(0);
    int code;

    buf_add_str(&line, command);
    buf_add_str(&line, "\r\n");
    if (line.failed)
        code = err_set(why, ERR_NOMEM, "out of memory for a command");
    else
        code = faktory_send(f, line.data, line.len, why);
    buf_fini(&line);
    return code == 0 ? await_reply(f, CLOCK_NEVER, reply, why) : code;
}

/* The password's answer to the challenge in "HI {...}". */
static int answer_challenge(struct json_slice hi, const struct url *url,
                            char hash[PASSWORD_HASH_CHARS + 1], struct err_text *why)
{
    struct json_slice rounds = json_member(hi, "i");
    struct buf salt = BUF_INIT(1024);
    int64_t n = 1;
    int code = 0;

    if (json_read_string(json_member(hi, "s"), &salt) != 0 || salt.failed ||
        (json_type(rounds) != JSON_ABSENT &&
         (json_read_int64(rounds, &n) != 0 || n > PASSWORD_ROUNDS_MAX)))
        code = err_set(why, ERR_PROTOCOL, "not a Faktory greeting: bad salt or rounds");
    else
        password_hash(url->password, buf_str(&salt), salt.len, (long)n, hash);
    buf_fini(&salt);
    return code;
}

/* HELLO of a producer, or of a consumer; `hash` is NULL when no password is given. */
static int send_hello(struct faktory *f, const struct faktory_identity *who, const char *hash,
                      struct err_text *why)
{
    struct buf hello = BUF_INIT(0);
    int code;

    buf_add_str(&hello, "HELLO {\"v\":2");
    if (hash)
        buf_addf(&hello, ",\"pwdhash\":\"%s\"", hash);
    if (who) {
        buf_add_str(&hello, ",\"wid\":");
        json_write_cstr(&hello, who->wid);
        buf_add_str(&hello, ",\"hostname\":");
        json_write_cstr(&hello, who->hostname);
        buf_addf(&hello, ",\"pid\":%d,\"labels\":%s", (int)getpid(), who->labels);
    }
    buf_add_str(&hello, "}\r\n");
    code = hello.failed ? err_set(why, ERR_NOMEM, "out of memory for HELLO")
                        : faktory_send(f, hello.data, hello.len, why);
    if (hello.data)
        explicit_bzero(hello.data, hello.len);
    buf_fini(&hello);
    return code;
}

/* Reads "+HI {...}", which is a peer's input like any other. *hi lives as long as the reply. */
static int read_greeting(struct faktory *f, int64_t deadline_ms, struct json_slice *hi,
                         struct err_text *why)
{
    struct resp_reply reply;
    int code = await_reply(f, deadline_ms, &reply, why);

    if (code == ERR_CLOSED || code == ERR_TIMEOUT)
        return err_set(why, code, "the peer does not greet like Faktory (does it expect TLS?)");
    if (code != 0)
        return code;
    if (reply.kind != RESP_STATUS || reply.len < 4 || memcmp(reply.text, "HI ", 3) != 0 ||
        json_check(reply.text + 3, reply.len - 3, hi, NULL) != 0 || json_type(*hi) != JSON_OBJECT)
        return err_set(why, ERR_PROTOCOL, "the peer does not greet like Faktory");
    return 0;
}

static int read_verdict(struct faktory *f, int64_t deadline_ms, struct err_text *why)
{
    struct resp_reply reply;
    char shown[120];
    int code = await_reply(f, deadline_ms, &reply, why);

    if (code != 0 || resp_is_ok(&reply))
        return code;
    resp_show(&reply, shown, sizeof shown);
    return err_set(why, ERR_REFUSED, "Faktory refused the connection: %s", shown);
}

/* Without a password HELLO goes out before HI has come: that saves a round trip. */
static int shake_hands(struct faktory *f, const struct url *url, const struct faktory_identity *who,
                       struct err_text *why)
{
    int64_t deadline_ms = clock_ms() + HANDSHAKE_MS;
    bool secret = url->password[0] != '\0', wanted;
    char hash[PASSWORD_HASH_CHARS + 1];
    struct json_slice hi = {NULL, 0};
    int code = secret ? 0 : send_hello(f, who, NULL, why);

    if (code == 0)
        code = read_greeting(f, deadline_ms, &hi, why);
    if (code != 0)
        return code;
    wanted = json_type(json_member(hi, "s")) != JSON_ABSENT;
    if (wanted && !secret)
        return err_set(why, ERR_REFUSED, "Faktory wants a password: FAKTORY_URL has none");
    if (wanted)
        code = answer_challenge(hi, url, hash, why);
    if (code == 0 && secret)
        code = send_hello(f, who, wanted ? hash : NULL, why);
    return code == 0 ? read_verdict(f, deadline_ms, why) : code;
}

struct faktory *faktory_connect(const struct faktory_settings *settings,
                                const struct faktory_identity *who, int *code, struct err_text *why)
{
    struct faktory *f = calloc(1, sizeof *f);
    int result = ERR_NOMEM;

    if (!f || !(f->reader = resp_new()))
        err_set(why, ERR_NOMEM, "out of memory for a connection");
    else if (!(f->net = net_connect(settings->url.host, settings->url.port, &settings->net, why)))
        result = ERR_IO;
    else
        result = shake_hands(f, &settings->url, who, why);
    if (code)
        *code = result;
    if (result == 0)
        return f;
    faktory_drop(f);
    return NULL;
}

void faktory_drop(struct faktory *f)
{
    if (!f)
        return;
    net_close(f->net);
    resp_free(f->reader);
    free(f);
}

void faktory_close(struct faktory *f)
{
    static const char end[] = "END\r\n";

    if (!f)
        return;
    (void)net_send(f->net, end, sizeof end - 1, NULL); /* a courtesy; the close says the same */
    faktory_drop(f);
}

int faktory_fd(const struct faktory *f)
{
    return net_fd(f->net);
}

size_t faktory_buffered(const struct faktory *f)
{
    return resp_buffered(f->reader);
}

void faktory_wake_at(struct faktory *f, int bytes)
{
    net_wake_at(f->net, bytes);
}

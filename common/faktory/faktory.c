// SPDX-License-Identifier: MIT
#include "common/faktory/faktory.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
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

/* The password's answer to "HI {...}", appended to HELLO. */
static int add_pwdhash(struct json_slice hi, const struct url *url, struct buf *hello,
                       struct err_text *why)
{
    struct json_slice salt = json_member(hi, "s"), rounds = json_member(hi, "i");
    struct buf salt_text = BUF_INIT(1024);
    char hash[PASSWORD_HASH_CHARS + 1];
    int64_t n = 1;
    int code = 0;

    if (json_type(salt) == JSON_ABSENT)
        return 0;
    if (url->password[0] == '\0')
        return err_set(why, ERR_REFUSED, "Faktory wants a password: FAKTORY_URL has none");
    if (json_read_string(salt, &salt_text) != 0 || salt_text.failed ||
        (json_type(rounds) != JSON_ABSENT &&
         (json_read_int64(rounds, &n) != 0 || n > PASSWORD_ROUNDS_MAX)))
        code = err_set(why, ERR_PROTOCOL, "not a Faktory greeting: bad salt or rounds");
    else {
        password_hash(url->password, buf_str(&salt_text), salt_text.len, (long)n, hash);
        buf_addf(hello, ",\"pwdhash\":\"%s\"", hash);
    }
    buf_fini(&salt_text);
    return code;
}

static void add_identity(const struct faktory_identity *who, struct buf *hello)
{
    if (!who)
        return;
    buf_add_str(hello, ",\"wid\":");
    json_write_cstr(hello, who->wid);
    buf_add_str(hello, ",\"hostname\":");
    json_write_cstr(hello, who->hostname);
    buf_addf(hello, ",\"pid\":%d,\"labels\":%s", (int)getpid(), who->labels);
}

/* "+HI {...}" -> HELLO {...}; the text of HI is checked as the peer's input that it is. */
static int answer_greeting(struct faktory *f, const struct resp_reply *hi, const struct url *url,
                           const struct faktory_identity *who, struct err_text *why)
{
    struct buf hello = BUF_INIT(0);
    struct json_slice root;
    int code;

    if (hi->kind != RESP_STATUS || hi->len < 4 || memcmp(hi->text, "HI ", 3) != 0 ||
        json_check(hi->text + 3, hi->len - 3, &root, NULL) != 0 || json_type(root) != JSON_OBJECT)
        return err_set(why, ERR_PROTOCOL, "the peer does not greet like Faktory");
    buf_add_str(&hello, "HELLO {\"v\":2");
    code = add_pwdhash(root, url, &hello, why);
    add_identity(who, &hello);
    buf_add_str(&hello, "}\r\n");
    if (code == 0 && hello.failed)
        code = err_set(why, ERR_NOMEM, "out of memory for HELLO");
    if (code == 0)
        code = faktory_send(f, hello.data, hello.len, why);
    if (hello.data)
        explicit_bzero(hello.data, hello.len);
    buf_fini(&hello);
    return code;
}

static int shake_hands(struct faktory *f, const struct url *url, const struct faktory_identity *who,
                       struct err_text *why)
{
    int64_t deadline = clock_ms() + HANDSHAKE_MS;
    struct resp_reply reply;
    int code = await_reply(f, deadline, &reply, why);

    if (code == ERR_CLOSED || code == ERR_TIMEOUT)
        return err_set(why, code, "the peer does not greet like Faktory (does it expect TLS?)");
    if (code == 0)
        code = answer_greeting(f, &reply, url, who, why);
    if (code == 0)
        code = await_reply(f, deadline, &reply, why);
    if (code != 0)
        return code;
    if (!resp_is_ok(&reply)) {
        char shown[120];

        resp_show(&reply, shown, sizeof shown);
        return err_set(why, ERR_REFUSED, "Faktory refused the connection: %s", shown);
    }
    return 0;
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

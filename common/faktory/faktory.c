// SPDX-License-Identifier: MIT
#include "common/faktory/faktory.h"

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

/* How far a connection has come; see faktory_step(). */
enum stage { STAGE_CONNECT, STAGE_GREETING, STAGE_VERDICT, STAGE_READY };

struct faktory {
    struct net *net;
    struct resp_reader *reader;

    /* until it is ready */
    enum stage stage;
    const struct faktory_settings *settings;
    const struct faktory_identity *who;
    int64_t handshake_deadline_ms;
};

int faktory_try_send(struct faktory *f, const char *bytes, size_t len, struct err_text *why)
{
    return net_try_send(f->net, bytes, len, why);
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

/* Blocks for one reply, up to the read time-out. */
static int await_reply(struct faktory *f, struct resp_reply *reply, struct err_text *why)
{
    for (;;) {
        int code = resp_next(f->reader, reply, why);

        if (code != 0)
            return code > 0 ? 0 : code;
        if ((code = receive_with(net_recv, f, why)) < 0)
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
        code = net_send(f->net, line.data, line.len, why);
    buf_fini(&line);
    return code == 0 ? await_reply(f, reply, why) : code;
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
                        : net_send(f->net, hello.data, hello.len, why);
    if (hello.data)
        explicit_bzero(hello.data, hello.len);
    buf_fini(&hello);
    return code;
}

/* One reply if it has come: 1, 0 (not yet) or an error. */
static int try_reply(struct faktory *f, struct resp_reply *reply, struct err_text *why)
{
    for (;;) {
        int code = resp_next(f->reader, reply, why);

        if (code != 0)
            return code;
        if ((code = faktory_receive(f, why)) == ERR_ABSENT)
            return clock_ms() < f->handshake_deadline_ms
                       ? 0
                       : err_set(why, ERR_TIMEOUT, "no answer in time");
        if (code < 0)
            return code;
    }
}

static bool has_password(const struct faktory *f)
{
    return f->settings->url.password[0] != '\0';
}

/* Without a password HELLO goes out before HI has come: that saves a round trip. */
static int step_connect(struct faktory *f, struct err_text *why)
{
    int code = net_step(f->net, why);

    if (code <= 0)
        return code;
    f->stage = STAGE_GREETING;
    f->handshake_deadline_ms = clock_ms() + HANDSHAKE_MS;
    return has_password(f) ? 0 : send_hello(f, f->who, NULL, why);
}

/* "+HI {...}" is a peer's input like any other. */
static int step_greeting(struct faktory *f, struct err_text *why)
{
    char hash[PASSWORD_HASH_CHARS + 1];
    struct json_slice hi = {NULL, 0};
    struct resp_reply reply;
    bool wanted;
    int code = try_reply(f, &reply, why);

    if (code == ERR_CLOSED || code == ERR_TIMEOUT)
        return err_set(why, code, "the peer does not greet like Faktory (does it expect TLS?)");
    if (code <= 0)
        return code;
    if (reply.kind != RESP_STATUS || reply.len < 4 || memcmp(reply.text, "HI ", 3) != 0 ||
        json_check(reply.text + 3, reply.len - 3, &hi, NULL) != 0 || json_type(hi) != JSON_OBJECT)
        return err_set(why, ERR_PROTOCOL, "the peer does not greet like Faktory");
    wanted = json_type(json_member(hi, "s")) != JSON_ABSENT;
    if (wanted && !has_password(f))
        return err_set(why, ERR_REFUSED,
                       "Faktory wants a password, and FAKTORY_PASSWORD is not set");
    f->stage = STAGE_VERDICT;
    code = wanted ? answer_challenge(hi, &f->settings->url, hash, why) : 0;
    if (code == 0 && has_password(f))
        code = send_hello(f, f->who, wanted ? hash : NULL, why);
    return code;
}

static int step_verdict(struct faktory *f, struct err_text *why)
{
    struct resp_reply reply;
    char shown[120];
    int code = try_reply(f, &reply, why);

    if (code <= 0)
        return code;
    if (resp_is_ok(&reply)) {
        f->stage = STAGE_READY;
        return 1;
    }
    resp_show(&reply, shown, sizeof shown);
    return err_set(why, ERR_REFUSED, "Faktory refused the connection: %s", shown);
}

int faktory_step(struct faktory *f, struct err_text *why)
{
    static int (*const steps[])(struct faktory *, struct err_text *) = {
        [STAGE_CONNECT] = step_connect,
        [STAGE_GREETING] = step_greeting,
        [STAGE_VERDICT] = step_verdict,
    };
    enum stage stage;
    int code;

    do {
        stage = f->stage;
        code = stage == STAGE_READY ? 1 : steps[stage](f, why);
    } while (code == 0 && f->stage != stage);
    return code;
}

int64_t faktory_step_deadline_ms(const struct faktory *f)
{
    return f->stage == STAGE_CONNECT ? net_step_deadline_ms(f->net) : f->handshake_deadline_ms;
}

short faktory_step_events(const struct faktory *f)
{
    return f->stage == STAGE_CONNECT ? POLLOUT : POLLIN;
}

struct faktory *faktory_begin(const struct faktory_settings *settings,
                              const struct faktory_identity *who, struct err_text *why)
{
    struct faktory *f = calloc(1, sizeof *f);

    if (f) {
        f->settings = settings;
        f->who = who;
    }
    if (!f || !(f->reader = resp_new()))
        err_set(why, ERR_NOMEM, "out of memory for a connection");
    else if ((f->net = net_begin(settings->url.host, settings->url.port, &settings->net, why)))
        return f;
    faktory_drop(f);
    return NULL;
}

struct faktory *faktory_connect(const struct faktory_settings *settings,
                                const struct faktory_identity *who, int *code, struct err_text *why)
{
    struct faktory *f = faktory_begin(settings, who, why);
    int result = f ? 0 : ERR_IO;

    while (f && (result = faktory_step(f, why)) == 0)
        net_wait(f->net, faktory_step_events(f), faktory_step_deadline_ms(f));
    if (code)
        *code = result < 0 ? result : 0;
    if (result > 0)
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

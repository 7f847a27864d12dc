// SPDX-License-Identifier: MIT
#include "tests/support/faktory_talk.h"

#include <errno.h>
#include <json-c/json.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "tests/support/tcp.h"

enum { TIMEOUT_MS = 20000, BULK_MAX = 64 << 20 };

struct faktory_talk {
    int fd;
    struct buf in; /* what was received and is not read yet */
};

int faktory_talk_send(struct faktory_talk *t, const char *line)
{
    struct buf out = BUF_INIT(0);
    int code = 0;

    buf_add_str(&out, line);
    buf_add_str(&out, "\r\n");
    if (out.failed || !tcp_send(t->fd, out.data, out.len))
        code = !out.failed && errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
    buf_fini(&out);
    return code;
}

/* Takes the next `len` bytes and the CRLF behind them. */
static char *take(struct faktory_talk *t, size_t len)
{
    char *text;

    while (t->in.len < len + 2)
        if (!tcp_recv_more(t->fd, &t->in))
            return NULL;
    if ((text = malloc(len + 1)) != NULL) {
        memcpy(text, t->in.data, len);
        text[len] = '\0';
    }
    buf_consume(&t->in, len + 2);
    return text;
}

static char *take_line(struct faktory_talk *t)
{
    char *lf;

    while (t->in.len == 0 || !(lf = memchr(t->in.data, '\n', t->in.len)))
        if (!tcp_recv_more(t->fd, &t->in))
            return NULL;
    return lf - t->in.data < 2 ? NULL : take(t, (size_t)(lf - t->in.data) - 1);
}

char *faktory_talk_read(struct faktory_talk *t)
{
    char *line = take_line(t);
    size_t len;

    if (!line || line[0] != '$' || line[1] == '-')
        return line;
    len = strtoul(line + 1, NULL, 10);
    free(line);
    return len <= BULK_MAX ? take(t, len) : NULL;
}

bool faktory_talk_ready(struct faktory_talk *t, int timeout_ms)
{
    return t->in.len > 0 || tcp_readable(t->fd, timeout_ms);
}

char *faktory_talk_command(struct faktory_talk *t, const char *line)
{
    return faktory_talk_send(t, line) == 0 ? faktory_talk_read(t) : NULL;
}

/* SHA-256 of password and salt, then of the 32 bytes of that, `rounds` times in all. */
static void hash_password(const char *password, const char *salt, int rounds,
                          char hex[2 * SHA256_DIGEST_LENGTH + 1])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA2_CTX ctx;

    SHA256Init(&ctx);
    SHA256Update(&ctx, (const uint8_t *)password, strlen(password));
    SHA256Update(&ctx, (const uint8_t *)salt, strlen(salt));
    SHA256Final(digest, &ctx);
    for (int i = 1; i < rounds; i++) {
        SHA256Init(&ctx);
        SHA256Update(&ctx, digest, sizeof digest);
        SHA256Final(digest, &ctx);
    }
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* Writes the HELLO that answers this HI. */
static void build_hello(struct buf *out, const char *hi, const char *password, const char *wid)
{
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    struct json_object *o = json_tokener_parse(hi), *salt, *rounds;

    buf_add_str(out, "HELLO {\"v\":2");
    if (json_object_object_get_ex(o, "s", &salt) && json_object_object_get_ex(o, "i", &rounds)) {
        hash_password(password ? password : "", json_object_get_string(salt),
                      json_object_get_int(rounds), hex);
        buf_addf(out, ",\"pwdhash\":\"%s\"", hex);
    }
    if (wid)
        buf_addf(out, ",\"wid\":\"%s\",\"hostname\":\"test\",\"pid\":%d,\"labels\":[]", wid,
                 (int)getpid());
    buf_add_char(out, '}');
    json_object_put(o);
}

static int shake_hands(struct faktory_talk *t, const char *password, const char *wid,
                       struct err_text *why)
{
    struct buf hello = BUF_INIT(0);
    char *hi = faktory_talk_read(t), *answer = NULL;
    int code = 0;

    if (!hi || strncmp(hi, "+HI {", 5) != 0)
        code = err_set(why, ERR_PROTOCOL, "no HI but %s", hi ? hi : "nothing");
    else {
        build_hello(&hello, hi + 4, password, wid);
        answer = faktory_talk_command(t, buf_str(&hello));
        if (!answer || strcmp(answer, "+OK") != 0)
            code = err_set(why, ERR_REFUSED, "HELLO refused: %s", answer ? answer : "closed");
    }
    buf_fini(&hello);
    free(answer);
    free(hi);
    return code;
}

struct faktory_talk *faktory_talk_open(int port, const char *password, const char *wid,
                                       struct err_text *why)
{
    struct faktory_talk *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->in = (struct buf)BUF_INIT(0);
    t->fd = tcp_connect((unsigned)port, TIMEOUT_MS);
    if (t->fd < 0) {
        err_set(why, ERR_IO, "cannot connect to 127.0.0.1:%d: %s", port, strerror(errno));
        free(t);
        return NULL;
    }
    if (shake_hands(t, password, wid, why) != 0) {
        faktory_talk_close(t);
        return NULL;
    }
    return t;
}

void faktory_talk_close(struct faktory_talk *t)
{
    if (!t)
        return;
    close(t->fd);
    buf_fini(&t->in);
    free(t);
}

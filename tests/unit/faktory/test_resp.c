// SPDX-License-Identifier: MIT
/* Reading replies: every form, cut anywhere, too long, or no reply at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/faktory/resp.h"
#include "tests/support/suite.h"

static void feed(struct resp_reader *r, const char *bytes, size_t len)
{
    size_t room;
    char *to = resp_room(r, len, &room);

    CU_ASSERT_FATAL(to && room >= len);
    memcpy(to, bytes, len);
    resp_fed(r, len);
}

static void feed_text(struct resp_reader *r, const char *text)
{
    feed(r, text, strlen(text));
}

/* Feeds the stream in pieces of the sizes first, then `piece`, and writes down every reply. */
static int read_all(const char *stream, size_t len, size_t first, size_t piece, struct buf *out)
{
    static const char signs[] = {'+', '-', '$', '0'};
    struct resp_reader *r = resp_new();
    size_t at = 0;
    int code = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    while (at < len && code == 0) {
        struct resp_reply reply;
        size_t n = at == 0 && first ? first : piece;

        n = n < len - at ? n : len - at;
        feed(r, stream + at, n);
        at += n;
        while ((code = resp_next(r, &reply, NULL)) > 0) {
            buf_addf(out, "%c%zu:", signs[reply.kind], reply.len);
            buf_add(out, reply.text, reply.len);
        }
    }
    resp_free(r);
    return code;
}

static void expect_one(const char *bytes, enum resp_kind kind, const char *text, size_t len)
{
    struct resp_reader *r = resp_new();
    struct resp_reply reply = {RESP_STATUS, "?", 1};
    struct err_text why = {""};

    feed_text(r, bytes);
    CU_ASSERT_EQUAL(resp_next(r, &reply, &why), 1);
    CU_ASSERT_EQUAL(reply.kind, kind);
    CU_ASSERT_EQUAL_FATAL(reply.len, len);
    CU_ASSERT_EQUAL(memcmp(reply.text, text, len), 0);
    CU_ASSERT_EQUAL(resp_next(r, &reply, &why), 0);
    resp_free(r);
}

static void test_forms(void)
{
    expect_one("+OK\r\n", RESP_STATUS, "OK", 2);
    expect_one("+OK\n", RESP_STATUS, "OK", 2); /* a bare LF ends a line, too */
    expect_one("+\r\n", RESP_STATUS, "", 0);
    expect_one("-ERR unknown command X\r\n", RESP_ERROR, "ERR unknown command X", 21);
    expect_one("-\r\n", RESP_ERROR, "", 0);
    expect_one("$5\r\nhel\nl\r\n", RESP_BULK, "hel\nl", 5);
    expect_one("$0\r\n\r\n", RESP_BULK, "", 0);
    expect_one("$-1\r\n", RESP_NIL, "", 0);
}

static const char recorded[] =
    "+HI {\"v\":2,\"i\":4123,\"s\":\"5d1a\"}\r\n+OK\r\n$2\r\n{}\r\n$-1\r\n"
    "$12\r\n{\"a\":\r\n\r\n+OK\r\n-ERR Job not found 12345678\r\n"
    "$0\r\n\r\n+OK\n$17\r\n{\"state\":\"quiet\"}\r\n";

static void test_every_split(void)
{
    struct buf whole = BUF_INIT(0);
    size_t len = sizeof recorded - 1;

    CU_ASSERT_EQUAL(read_all(recorded, len, 0, len, &whole), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&whole), "-26:ERR Job"));
    for (size_t first = 1; first < len; first++)
        for (size_t piece = 1; piece <= len; piece += piece < 8 ? 1 : len) {
            struct buf cut = BUF_INIT(0);

            CU_ASSERT_EQUAL(read_all(recorded, len, first, piece < 8 ? piece : len, &cut), 0);
            CU_ASSERT(cut.len == whole.len && memcmp(cut.data, whole.data, cut.len) == 0);
            buf_fini(&cut);
        }
    buf_fini(&whole);
}

/* "-ERR xxx...": `len` bytes without the line's end, then +OK. */
static void long_line(struct buf *out, char sign, size_t len)
{
    buf_addf(out, "%cERR ", sign);
    while (out->len < len)
        buf_add_char(out, 'x');
    buf_add_str(out, "\r\n+OK\r\n");
}

static void test_long_error(void)
{
    static const size_t lens[] = {
        RESP_LINE_MAX, RESP_LINE_MAX + 1, RESP_LINE_MAX + 2, RESP_LINE_MAX + 3, 4096, 100 << 10};

    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        for (size_t piece = 1; piece <= 64 << 10; piece *= 7) {
            struct buf line = BUF_INIT(0), out = BUF_INIT(0);
            size_t shown = lens[i] - 1 < RESP_LINE_MAX ? lens[i] - 1 : RESP_LINE_MAX;
            char start[32];

            long_line(&line, piece % 2 ? '-' : '+', lens[i]);
            CU_ASSERT_EQUAL(read_all(line.data, line.len, 0, piece, &out), 0);
            snprintf(start, sizeof start, "%c%zu:ERR x", line.data[0], shown);
            CU_ASSERT_EQUAL(strncmp(buf_str(&out), start, strlen(start)), 0);
            CU_ASSERT_STRING_EQUAL(out.data + out.len - 5, "+2:OK");
            CU_ASSERT_EQUAL(out.len, shown + 1 + strlen(start) - 5 + 4);
            buf_fini(&line);
            buf_fini(&out);
        }
}

/* The memory for a line that never ends is bounded: a megabyte goes through a small buffer. */
static void test_endless_line(void)
{
    struct resp_reader *r = resp_new();
    struct resp_reply reply;
    char junk[4096];
    size_t room;

    memset(junk, 'x', sizeof junk);
    feed_text(r, "-ERR ");
    for (int i = 0; i < 256; i++) {
        feed(r, junk, sizeof junk);
        CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 0);
    }
    CU_ASSERT_PTR_NOT_NULL(resp_room(r, 1, &room));
    CU_ASSERT(room < 64 << 10);
    feed_text(r, "\r\n+OK\r\n");
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 1);
    CU_ASSERT_EQUAL(reply.len, RESP_LINE_MAX);
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 1);
    CU_ASSERT(resp_is_ok(&reply));
    resp_free(r);
}

/* The line is cut at the same byte whether it came at once or in pieces, CRs inside included. */
static void test_cut_is_the_same(void)
{
    struct buf line = BUF_INIT(0), whole = BUF_INIT(0), cut = BUF_INIT(0);

    long_line(&line, '-', 3000);
    line.data[RESP_LINE_MAX] = '\r';
    CU_ASSERT_EQUAL(read_all(line.data, line.len, 0, line.len, &whole), 0);
    CU_ASSERT_EQUAL(read_all(line.data, line.len, 0, 1, &cut), 0);
    CU_ASSERT(cut.len == whole.len && memcmp(cut.data, whole.data, cut.len) == 0);
    buf_fini(&line);
    buf_fini(&whole);
    buf_fini(&cut);
}

static void test_bulk_before_crlf(void)
{
    struct resp_reader *r = resp_new();
    struct resp_reply reply;

    feed_text(r, "$2\r\n{");
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 0);
    feed_text(r, "}");
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 1);
    CU_ASSERT(reply.len == 2 && memcmp(reply.text, "{}", 2) == 0);
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 0);
    feed_text(r, "\r");
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 0);
    feed_text(r, "\n+OK\r\n");
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 1);
    CU_ASSERT(resp_is_ok(&reply));
    resp_free(r);
}

static void test_garbage(void)
{
    static const char *const streams[] = {
        "HTTP/1.1 200 OK\r\n",
        ":1\r\n",
        "*1\r\n$1\r\na\r\n",
        "\r\n",
        "\n",
        "$\r\n",
        "$x\r\n",
        "$1x\r\n",
        "$-2\r\n",
        "$ 1\r\n",
        "$+1\r\n",
        "$-10\r\n",
        "$2\r\n{}xx",
        "$2\r\n{}\n",
        "$2\r\n{}\rx",
        "\x16\x03\x01\n",
        "$67108865\r\nx",
        "$999999999\r\n",
        "$9999999999999999999\r\n",
    };

    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct resp_reader *r = resp_new();
        struct resp_reply reply;
        struct err_text why = {""};
        int code;

        feed_text(r, streams[i]);
        while ((code = resp_next(r, &reply, &why)) > 0)
            ;
        CU_ASSERT_EQUAL(code, ERR_PROTOCOL);
        CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "not a Faktory reply"));
        feed_text(r, "+OK\r\n"); /* it does not recover */
        CU_ASSERT_EQUAL(resp_next(r, &reply, &why), ERR_PROTOCOL);
        resp_free(r);
    }
}

/* A peer of another protocol that never ends a line is found out soon. */
static void test_no_line_end(void)
{
    struct resp_reader *r = resp_new();
    struct resp_reply reply;
    int code = 0, fed = 0;

    for (; code == 0 && fed < 2 * RESP_LINE_MAX; fed++) {
        feed_text(r, "S");
        code = resp_next(r, &reply, NULL);
    }
    CU_ASSERT_EQUAL(code, ERR_PROTOCOL);
    CU_ASSERT(fed <= RESP_LINE_MAX + 2);
    resp_free(r);
}

static void test_large_bulk(void)
{
    struct resp_reader *r = resp_new();
    struct resp_reply reply;
    size_t room, len = 3 << 20;
    char *to, head[32];

    snprintf(head, sizeof head, "$%zu\r\n", len);
    feed_text(r, head);
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 0);
    to = resp_room(r, 1, &room);
    CU_ASSERT_FATAL(to && room >= len); /* room for all of it, so that it is not copied again */
    memset(to, 'b', len);
    resp_fed(r, len);
    CU_ASSERT_EQUAL(resp_next(r, &reply, NULL), 1);
    CU_ASSERT(reply.len == len && reply.text[0] == 'b' && reply.text[len - 1] == 'b');
    resp_free(r);
}

static void test_show(void)
{
    char out[16];

    resp_show(&(struct resp_reply){RESP_ERROR, "ERR a\tb\n", 8}, out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "-ERR a b ");
    resp_show(&(struct resp_reply){RESP_STATUS, "a long one, longer than the room", 32}, out,
              sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "+a long one, lo");
    resp_show(&(struct resp_reply){RESP_NIL, "", 0}, out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "nothing");
    CU_ASSERT_FALSE(resp_is_ok(&(struct resp_reply){RESP_BULK, "OK", 2}));
    CU_ASSERT_FALSE(resp_is_ok(&(struct resp_reply){RESP_STATUS, "OKAY", 4}));
    CU_ASSERT_FALSE(resp_is_ok(&(struct resp_reply){RESP_ERROR, "OK", 2}));
}

static const struct suite_test tests[] = {
    {"each of the four forms is read", test_forms},
    {"a recorded stream gives the same replies wherever it is cut", test_every_split},
    {"a long line is cut and consumed whole", test_long_error},
    {"a line without end needs no memory", test_endless_line},
    {"a long line is cut at the same byte however it came", test_cut_is_the_same},
    {"a bulk reply is handed out before its line end has come", test_bulk_before_crlf},
    {"what is no reply is an error, and stays one", test_garbage},
    {"a stream that starts like no reply fails before its first line ends", test_no_line_end},
    {"a large bulk reply gets room for all of it", test_large_bulk},
    {"a reply is shown cut and without control characters", test_show},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "resp", tests, SUITE_COUNT(tests), NULL, NULL);
}

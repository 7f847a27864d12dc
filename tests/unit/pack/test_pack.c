// SPDX-License-Identifier: MIT
/* Packs: what goes in comes out, when they are compressed, and everything that is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pack/base64.h"
#include "common/pack/gzip.h"
#include "common/pack/pack.h"
#include "common/pack/verdict.h"
#include "tests/support/suite.h"

/* A list of `n` items with arguments of this JSON; their jids are item-00000 and so on. */
static void write_list(struct buf *list, int n, const char *args, const char *more)
{
    for (int i = 0; i < n; i++)
        buf_addf(list,
                 "%c{\"jid\":\"item-%05d\",\"jobtype\":\"math_add\",\"queue\":\"bulk\",\"args\":%s,"
                 "\"retry\":%d,\"reserve_for\":60%s}",
                 i == 0 ? '[' : ',', i, args, i % 25 + 1, more);
    buf_add_char(list, ']');
}

static struct job *parse(const char *text, size_t len)
{
    struct err_text why = {""};
    struct job *job = job_parse(text, len, &why);

    if (!job)
        fprintf(stderr, "%s: %.200s\n", why.text, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    return job;
}

/* The job that carries the list. */
static struct job *packed(int n, struct buf *list)
{
    struct buf text = BUF_INIT(0);
    struct pack_spec spec = {.jid = "pack-jid-1",
                             .queue = "bulk",
                             .retry = 25,
                             .reserve_for_s = 300,
                             .n = (size_t)n,
                             .list = {list->data, list->len}};
    struct job *job;

    pack_write(&text, &spec);
    CU_ASSERT_FALSE(text.failed);
    CU_ASSERT(text.len <= list->len + PACK_FRAME_MAX);
    job = parse(buf_str(&text), text.len);
    buf_fini(&text);
    return job;
}

static void check_round_trip(int n, const char *args, const char *encoding)
{
    struct buf list = BUF_INIT(0);
    struct job *job;
    struct pack *pack;
    int code = -1;
    char jid[32];

    write_list(&list, n, args, "");
    job = packed(n, &list);
    CU_ASSERT_STRING_EQUAL(job->type, pack_type);
    CU_ASSERT_STRING_EQUAL(job->queue, "bulk");
    CU_ASSERT_EQUAL(job->reserve_for_s, 300);
    CU_ASSERT(
        json_string_is(json_member(json_member(job->custom, "wf_pack"), "encoding"), encoding));
    pack = pack_open(job, &code, NULL);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pack);
    CU_ASSERT_EQUAL(pack->n, n);
    job->fetched_ms++; /* the items have their own copy of everything */
    memset((char *)(size_t)job->text.at, 'x', job->text.len);
    for (int i = 0; i < n; i++) {
        const struct job *item = &pack->items[i];

        snprintf(jid, sizeof jid, "item-%05d", i);
        CU_ASSERT_STRING_EQUAL(item->jid, jid);
        CU_ASSERT_STRING_EQUAL(item->type, "math_add");
        CU_ASSERT_STRING_EQUAL(item->queue, "bulk");
        CU_ASSERT_EQUAL(item->retry, i % 25 + 1);
        CU_ASSERT_EQUAL(item->attempt, 1);
        CU_ASSERT_EQUAL(item->reserve_for_s, 300); /* the pack's, not its own 60 */
        CU_ASSERT_EQUAL(item->fetched_ms, job->fetched_ms - 1);
        CU_ASSERT(item->args.len == strlen(args) &&
                  memcmp(item->args.at, args, item->args.len) == 0);
    }
    pack_free(pack);
    job_free(job);
    buf_fini(&list);
}

static void test_round_trip(void)
{
    check_round_trip(1, "[]", "json");
    check_round_trip(2, "[{\"a\":1.10,\"b\":\"\\u00e4\"}]", "json");
    check_round_trip(20, "[{\"a\":1.10,\"b\":2}]", "gzip");
    check_round_trip(PACK_ITEMS_MAX, "[{\"a\":1.10,\"b\":\"ä \\\"quoted\\\"\"}]", "gzip");
}

static void test_threshold(void)
{
    static const struct {
        int more;
        const char *encoding;
    } cases[] = {{0, "json"}, {1, "gzip"}};

    for (size_t i = 0; i < 2; i++) {
        struct buf args = BUF_INIT(0), list = BUF_INIT(0);
        struct job *job;
        char fill[PACK_ZIP_FROM];
        int room;

        write_list(&list, 1, "[\"\"]", "");
        room = PACK_ZIP_FROM - (int)list.len + cases[i].more;
        buf_clear(&list);
        memset(fill, 'y', sizeof fill);
        buf_addf(&args, "[\"%.*s\"]", room, fill);
        write_list(&list, 1, buf_str(&args), "");
        CU_ASSERT_EQUAL(list.len, (size_t)(PACK_ZIP_FROM + cases[i].more));
        job = packed(1, &list);
        CU_ASSERT(json_string_is(json_member(json_member(job->custom, "wf_pack"), "encoding"),
                                 cases[i].encoding));
        job_free(job);
        buf_fini(&args);
        buf_fini(&list);
    }
}

/* Noise does not become smaller: it is left as it is. */
static void test_noise(void)
{
    struct buf args = BUF_INIT(0), list = BUF_INIT(0);
    uint64_t x = 88172645463325252U;
    struct job *job;

    buf_add_str(&args, "[\"");
    for (int i = 0; i < 4000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        buf_addf(&args, "%c%c", (int)(35 + (x >> 40) % 57), (int)(93 + (x >> 20) % 34));
    }
    buf_add_str(&args, "\"]");
    write_list(&list, 1, buf_str(&args), "");
    job = packed(1, &list);
    CU_ASSERT(job->text.len < list.len + PACK_FRAME_MAX);
    job_free(job);
    buf_fini(&args);
    buf_fini(&list);
}

/* ---- packs that nobody of ours has written ---- */

static void refuse(const char *args, const char *custom, const char *says)
{
    struct buf text = BUF_INIT(0);
    struct err_text why = {""};
    struct pack *pack;
    struct job *job;
    int code = 0;

    buf_addf(&text, "{\"jid\":\"pack-jid-1\",\"jobtype\":\"wf_pack\",\"args\":%s%s%s}", args,
             *custom ? ",\"custom\":" : "", custom);
    job = parse(buf_str(&text), text.len);
    pack = pack_open(job, &code, &why);
    CU_ASSERT_PTR_NULL(pack);
    CU_ASSERT_EQUAL(code, ERR_INVALID);
    if (!strstr(why.text, says))
        fprintf(stderr, "%s, and not: %s\n", why.text, says);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, says));
    pack_free(pack);
    job_free(job);
    buf_fini(&text);
}

#define GOOD "{\"jid\":\"12345678\",\"jobtype\":\"t\",\"queue\":\"q\",\"args\":[]}"
#define ONE "{\"wf_pack\":{\"items\":1,\"encoding\":\"json\"}}"
#define ZIPPED "{\"wf_pack\":{\"items\":1,\"encoding\":\"gzip\"}}"

static void test_bad_packs(void)
{
    refuse("[" GOOD "]", "", "wf_pack.items");
    refuse("[" GOOD "]", "{}", "wf_pack.items");
    refuse("[" GOOD "]", "{\"wf_pack\":7}", "wf_pack.items");
    refuse("[]", "{\"wf_pack\":{\"items\":0,\"encoding\":\"json\"}}", "wf_pack.items");
    refuse("[" GOOD "]", "{\"wf_pack\":{\"items\":501,\"encoding\":\"json\"}}", "wf_pack.items");
    refuse("[" GOOD "]", "{\"wf_pack\":{\"items\":1}}", "encoding");
    refuse("[" GOOD "]", "{\"wf_pack\":{\"items\":1,\"encoding\":\"zstd\"}}", "encoding");
    refuse("[]", ONE, "not 1 items");
    refuse("[" GOOD "," GOOD "]", ONE, "not 1 items");
    refuse("[7]", ONE, "item 1 of 1: not a job");
    refuse("[{\"jid\":\"1234567\",\"jobtype\":\"t\",\"queue\":\"q\",\"args\":[]}]", ONE,
           "a jid of 8");
    refuse("[{\"jid\":\"12345678\",\"jobtype\":\"\",\"queue\":\"q\",\"args\":[]}]", ONE, "jobtype");
    refuse("[{\"jid\":\"12345678\",\"jobtype\":\"t\",\"queue\":\"q\",\"args\":{}}]", ONE, "args");
    refuse("[{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[]}]", ONE, "queue name");
    refuse("[{\"jid\":\"12345678\",\"jobtype\":\"t\",\"queue\":\"a b\",\"args\":[]}]", ONE,
           "queue name");
    refuse("[{\"jid\":\"12345678\",\"jobtype\":\"t\",\"queue\":\"working\",\"args\":[]}]", ONE,
           "working");
    refuse("[{\"jid\":\"12345678\",\"jobtype\":\"wf_pack\",\"queue\":\"q\",\"args\":[]}]", ONE,
           "itself");
    refuse("[]", ZIPPED, "base64");
    refuse("[7]", ZIPPED, "base64");
    refuse("[\"\"]", ZIPPED, "base64");
    refuse("[\"Zm9v\"]", ZIPPED, "base64");
    refuse("[\"!\"]", ZIPPED, "base64");
    refuse("[\"Zm9v\",\"Zm9v\"]", ZIPPED, "base64");
}

/* The compressed form of these bytes, cut and lengthened as told. */
static void refuse_zipped(const struct buf *bytes, size_t cut, const char *tail, const char *says)
{
    struct buf zipped = BUF_INIT(0), args = BUF_INIT(0);

    CU_ASSERT_EQUAL_FATAL(gzip_write(&zipped, buf_str(bytes), bytes->len), 0);
    buf_add_str(&zipped, tail);
    buf_add_str(&args, "[\"");
    base64_write(&args, zipped.data, zipped.len - cut);
    buf_add_str(&args, "\"]");
    refuse(buf_str(&args), ZIPPED, says);
    buf_fini(&zipped);
    buf_fini(&args);
}

static void test_bad_gzip(void)
{
    struct buf list = BUF_INIT(0), bomb = BUF_INIT(0);

    buf_add_str(&list, "[" GOOD "]");
    refuse_zipped(&list, 1, "", "gzip");
    refuse_zipped(&list, 9, "", "gzip");
    refuse_zipped(&list, 0, "x", "gzip");
    buf_add_str(&list, "]");
    refuse_zipped(&list, 0, "", "text after");
    buf_clear(&list);
    buf_add_str(&list, "{}");
    refuse_zipped(&list, 0, "", "not a list");
    memset(buf_reserve(&bomb, PACK_TEXT_MAX + 1), ' ', PACK_TEXT_MAX + 1);
    buf_commit(&bomb, PACK_TEXT_MAX + 1);
    refuse_zipped(&bomb, 0, "", "larger than");
    buf_fini(&list);
    buf_fini(&bomb);
}

/* What is stored again goes into a line of Faktory's protocol. */
static void test_lines(void)
{
    struct buf list = BUF_INIT(0), zipped = BUF_INIT(0), text = BUF_INIT(0);
    struct pack *pack;
    struct job *job;
    int code;

    buf_add_str(&list,
                "[\n{\"jid\":\"12345678\",\r\n\"jobtype\":\"t\",\"queue\":\"q\",\"args\":[\n]}]\n");
    CU_ASSERT_EQUAL_FATAL(gzip_write(&zipped, list.data, list.len), 0);
    buf_add_str(&text, "{\"jid\":\"pack-jid-1\",\"jobtype\":\"wf_pack\",\"custom\":" ZIPPED
                       ",\"args\":[\"");
    base64_write(&text, zipped.data, zipped.len);
    buf_add_str(&text, "\"]}");
    job = parse(buf_str(&text), text.len);
    pack = pack_open(job, &code, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pack);
    CU_ASSERT_PTR_NULL(memchr(pack->items[0].text.at, '\n', pack->items[0].text.len));
    CU_ASSERT_PTR_NULL(memchr(pack->items[0].text.at, '\r', pack->items[0].text.len));
    pack_free(pack);
    job_free(job);
    buf_fini(&list);
    buf_fini(&zipped);
    buf_fini(&text);
}

/* ---- what may travel ---- */

static bool takes(const char *args, const char *at, int64_t retry)
{
    struct job_spec spec = {.args = {args, strlen(args)}, .at = at, .retry = retry};

    return pack_takes(&spec);
}

static void test_takes(void)
{
    char deep[64];

    CU_ASSERT(takes("[]", NULL, 25));
    CU_ASSERT(takes("[\"]]]][[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]", NULL, 1));
    CU_ASSERT_FALSE(takes("[]", "2030-01-01T00:00:00Z", 25));
    CU_ASSERT_FALSE(takes("[]", NULL, 0));
    CU_ASSERT_FALSE(takes("[]", NULL, -1));
    for (int depth = 1; depth <= 28; depth++) {
        struct buf list = BUF_INIT(0);

        memset(deep, '[', (size_t)depth);
        memset(deep + depth, ']', (size_t)depth);
        deep[2 * depth] = '\0';
        CU_ASSERT_EQUAL(takes(deep, NULL, 25), depth <= 24);
        write_list(&list, 3, deep, "");
        if (takes(deep, NULL, 25)) { /* and then it can be read on the other side */
            struct job *job = packed(3, &list);
            int code;
            struct pack *pack = pack_open(job, &code, NULL);

            CU_ASSERT_PTR_NOT_NULL(pack);
            pack_free(pack);
            job_free(job);
        }
        buf_fini(&list);
    }
}

/* ---- verdicts ---- */

static void check_verdict(const char *text)
{
    struct job *before = parse(text, strlen(text)), *after;
    struct buf out = BUF_INIT(0);
    struct verdict v;

    CU_ASSERT_FALSE(verdict_read(before, &v));
    verdict_write(&out, before, "Timeout", "it \"took\"\ntoo long", true);
    after = parse(buf_str(&out), out.len);
    CU_ASSERT_STRING_EQUAL(after->jid, before->jid);
    CU_ASSERT_STRING_EQUAL(after->queue, before->queue);
    CU_ASSERT_EQUAL(after->retry, before->retry);
    CU_ASSERT_EQUAL(after->reserve_for_s, before->reserve_for_s);
    CU_ASSERT_EQUAL(json_count(after->custom), json_count(before->custom) + 1);
    CU_ASSERT_PTR_NULL(strchr(buf_str(&out), '\n'));
    if (verdict_read(after, &v)) {
        CU_ASSERT_STRING_EQUAL(buf_str(&v.errtype), "Timeout");
        CU_ASSERT_STRING_EQUAL(buf_str(&v.message), "it \"took\"\ntoo long");
        CU_ASSERT(v.permanent);
        verdict_fini(&v);
    } else
        CU_FAIL("no verdict");
    after->attempt = 2; /* Faktory knows by then */
    CU_ASSERT_FALSE(verdict_read(after, &v));
    after->attempt = 1;
    buf_clear(&out);
    verdict_write(&out, after, "Other", "", false); /* the first one is replaced */
    job_free(after);
    after = parse(buf_str(&out), out.len);
    CU_ASSERT(verdict_read(after, &v));
    CU_ASSERT_STRING_EQUAL(buf_str(&v.errtype), "Other");
    CU_ASSERT_FALSE(v.permanent);
    verdict_fini(&v);
    job_free(before);
    job_free(after);
    buf_fini(&out);
}

static void test_verdict(void)
{
    check_verdict("{\"jid\":\"12345678\",\"jobtype\":\"t\",\"queue\":\"q\",\"args\":[1.10],"
                  "\"retry\":7,\"reserve_for\":90}");
    check_verdict("{\"custom\":{\"wf_jid\":\"x\",\"k\":[1]},\"jid\":\"12345678\",\"jobtype\":\"t\","
                  "\"queue\":\"q\",\"args\":[],\"retry\":7}");
    check_verdict("{\"custom\":{},\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[]}");
}

static void test_no_verdict(void)
{
    static const char *const others[] = {"7", "{}", "{\"errtype\":\"T\",\"message\":\"m\"}",
                                         "{\"errtype\":1,\"message\":\"m\",\"permanent\":true}"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct buf text = BUF_INIT(0);
        struct verdict v;
        struct job *job;

        buf_addf(
            &text,
            "{\"jid\":\"12345678\",\"jobtype\":\"t\",\"args\":[],\"custom\":{\"wf_failed\":%s}}",
            others[i]);
        job = parse(buf_str(&text), text.len);
        CU_ASSERT_FALSE(verdict_read(job, &v));
        job_free(job);
        buf_fini(&text);
    }
}

static const struct suite_test tests[] = {
    {"what is packed comes out as it was", test_round_trip},
    {"over 1 KiB of items are compressed, and not one byte less", test_threshold},
    {"what does not become smaller is left as it is", test_noise},
    {"a pack that is not one is refused, with the reason", test_bad_packs},
    {"damaged, endless and foreign gzip is refused", test_bad_gzip},
    {"an item is one line, however it came", test_lines},
    {"jobs that a pack would change do not travel in one", test_takes},
    {"a verdict is added to a job, read once, and replaced", test_verdict},
    {"what only looks like a verdict is none", test_no_verdict},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "pack", tests, SUITE_COUNT(tests), NULL, NULL);
}

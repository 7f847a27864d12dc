// SPDX-License-Identifier: MIT
/* Which jobs share a command, and which of them a pack. */
#include "common/push/push_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/faktory/faktory.h"
#include "common/pack/pack.h"
#include "tests/support/suite.h"

enum { MANY = 1200 };

static struct push_job jobs[MANY];
static char texts[MANY][256];
static char large[200 << 10];

/* `n` jobs for one queue, in a chain. */
static void make_jobs(int n, unsigned pack_max)
{
    memset(jobs, 0, sizeof jobs);
    for (int i = 0; i < n; i++) {
        struct push_job *job = &jobs[i];

        snprintf(
            texts[i], sizeof texts[i],
            "{\"jid\":\"jid-%08d\",\"jobtype\":\"t\",\"queue\":\"q\",\"args\":[%d],\"retry\":5}", i,
            i);
        job->text = texts[i];
        job->len = strlen(texts[i]);
        job->pack_max = pack_max;
        job->queue = "q";
        job->retry = 5;
        job->reserve_for_s = 100;
        job->next = i + 1 < n ? &jobs[i + 1] : NULL;
    }
}

static struct push_cut cut(unsigned max_size)
{
    return push_line_cut(&jobs[0], max_size, false);
}

static void test_plain(void)
{
    struct push_cut c;

    make_jobs(10, 0);
    c = cut(4);
    CU_ASSERT_EQUAL(c.jobs, 4);
    CU_ASSERT_PTR_EQUAL(c.last, &jobs[3]);
    CU_ASSERT_EQUAL(c.job_bytes, 4 * (jobs[0].len + 1));
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(jobs[i].group, 1);
    jobs[1].ends_request = true;
    c = push_line_cut(&jobs[0], 4, true);
    CU_ASSERT_EQUAL(c.jobs, 2);
}

static void test_groups(void)
{
    struct push_cut c;

    make_jobs(MANY, 500);
    c = cut(100);
    CU_ASSERT_EQUAL(c.jobs, MANY);
    CU_ASSERT_EQUAL(jobs[0].group, 500);
    CU_ASSERT_EQUAL(jobs[1].group, 0);
    CU_ASSERT_EQUAL(jobs[500].group, 500);
    CU_ASSERT_EQUAL(jobs[1000].group, 200);
    c = cut(2); /* a pack counts as one */
    CU_ASSERT_EQUAL(c.jobs, 1000);
}

static void test_walls(void)
{
    make_jobs(9, 500);
    jobs[2].queue = jobs[3].queue = "other";
    jobs[5].pack_max = 0;
    jobs[7].pack_max = 20;
    CU_ASSERT_EQUAL(cut(100).jobs, 9);
    CU_ASSERT_EQUAL(jobs[0].group, 2);
    CU_ASSERT_EQUAL(jobs[2].group, 2);
    CU_ASSERT_EQUAL(jobs[4].group, 1);
    CU_ASSERT_EQUAL(jobs[5].group, 1);
    CU_ASSERT_EQUAL(jobs[6].group, 1);
    CU_ASSERT_EQUAL(jobs[7].group, 1);
    CU_ASSERT_EQUAL(jobs[8].group, 1);
}

static void test_bytes(void)
{
    struct push_cut c;

    make_jobs(3, 500);
    memset(large, 'x', sizeof large);
    jobs[1].text = large;
    jobs[1].len = sizeof large;
    jobs[2].text = large;
    jobs[2].len = sizeof large;
    c = cut(100);
    CU_ASSERT_EQUAL(c.jobs, 2);
    CU_ASSERT(c.bytes <= FAKTORY_COMMAND_BYTES_MAX);
    /* the largest job that there may be goes alone */
    make_jobs(2, 500);
    jobs[0].text = large;
    jobs[0].len = FAKTORY_COMMAND_BYTES_MAX - 16;
    c = cut(100);
    CU_ASSERT_EQUAL(c.jobs, 1);
}

/* Opens the one pack of a command. */
static struct pack *open_only(const struct buf *line, struct job **job)
{
    struct err_text why = {""};
    int code;
    struct pack *pack;

    *job = job_parse(line->data + 7, line->len - 7 - 3, &why);
    if (!*job)
        fprintf(stderr, "%s\n", why.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*job);
    pack = pack_open(*job, &code, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pack);
    return pack;
}

static void test_line(void)
{
    struct metrics *m = metrics_new();
    struct push_metrics metrics = {
        .packs = metrics_counter(m, "a_total", "A.", NULL),
        .packed = metrics_counter(m, "b_total", "B.", NULL),
        .pack_bytes_in = metrics_counter(m, "c_total", "C.", NULL),
        .pack_bytes_out = metrics_counter(m, "d_total", "D.", NULL),
    };
    struct buf line = BUF_INIT(0);
    struct push_pack_jid jids[50];
    struct push_cut c;
    struct pack *pack;
    struct job *job;

    make_jobs(100, 100);
    jobs[7].reserve_for_s = 900;
    jobs[8].retry = 9;
    c = cut(10);
    push_line_write(&line, jobs, jids, &metrics);
    CU_ASSERT_FALSE(line.failed);
    CU_ASSERT(line.len <= c.bytes);
    CU_ASSERT(memcmp(line.data, "PUSHB [", 7) == 0);
    CU_ASSERT(memcmp(line.data + line.len - 3, "]\r\n", 3) == 0);
    pack = open_only(&line, &job);
    CU_ASSERT_STRING_EQUAL(job->jid, jids[0].text);
    CU_ASSERT_EQUAL(job->retry, 9);
    CU_ASSERT_EQUAL(job->reserve_for_s, 900);
    CU_ASSERT_EQUAL(pack->n, 100);
    for (int i = 0; i < 100; i++)
        CU_ASSERT(memcmp(pack->items[i].text.at, texts[i], jobs[i].len) == 0);
    CU_ASSERT_EQUAL(counter_value(metrics.packs), 1);
    CU_ASSERT_EQUAL(counter_value(metrics.packed), 100);
    CU_ASSERT_EQUAL(counter_value(metrics.pack_bytes_in), c.job_bytes - 100);
    CU_ASSERT(counter_value(metrics.pack_bytes_out) < counter_value(metrics.pack_bytes_in) / 3);
    pack_free(pack);
    job_free(job);
    buf_fini(&line);
    metrics_free(m);
}

static void test_singles(void)
{
    struct push_metrics metrics = {.packs = NULL};
    struct buf line = BUF_INIT(0), expected = BUF_INIT(0);
    struct push_pack_jid none[1];

    make_jobs(2, 1);
    (void)cut(10);
    push_line_write(&line, jobs, none, &metrics);
    buf_addf(&expected, "PUSHB [%s,%s]\r\n", texts[0], texts[1]);
    CU_ASSERT_STRING_EQUAL(buf_str(&line), buf_str(&expected));
    buf_fini(&line);
    buf_fini(&expected);
}

static const struct suite_test tests[] = {
    {"without packs a command takes jobs up to its size, or one request", test_plain},
    {"jobs that stand together share packs, and a pack counts as one", test_groups},
    {"another queue, another size or no wish for packs ends a pack", test_walls},
    {"packs keep to what one command may hold", test_bytes},
    {"a pack holds its jobs, the longest reservation and the most tries", test_line},
    {"a pack of one is that job", test_singles},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "push_line", tests, SUITE_COUNT(tests), NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * fuzz_job - whatever is accepted as a fetched job can be copied, and the copy is a job again: one
 * line of JSON with the new jid, the same type, arguments and attempt, and the first jid of all.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/faktory/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool inside(struct json_slice part, struct json_slice whole)
{
    return part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

static bool same_first_jid(const struct job *a, const struct job *b)
{
    struct buf first = BUF_INIT(0), second = BUF_INIT(0);
    bool same;

    job_first_jid(a, &first);
    job_first_jid(b, &second);
    same = strcmp(buf_str(&first), buf_str(&second)) == 0;
    buf_fini(&first);
    buf_fini(&second);
    return same;
}

static void check_copy(const struct job *job)
{
    static const char new_jid[] = "0193f5a1b2c3d4e5f60718ff";
    struct buf text = BUF_INIT(0);
    struct job *copy;

    job_write_copy(&text, job, new_jid);
    must((copy = job_parse(buf_str(&text), text.len, NULL)) != NULL);
    must(strcmp(copy->jid, new_jid) == 0);
    must(strcmp(copy->type, job->type) == 0 && strcmp(copy->queue, job->queue) == 0);
    must(copy->args.len == job->args.len);
    must(memcmp(copy->args.at, job->args.at, job->args.len) == 0);
    must(copy->retry == job->retry && copy->reserve_for_s == job->reserve_for_s);
    must(copy->attempt == job->attempt);
    /* a custom.wf_jid that is no string is somebody else's and stays as it is */
    if (json_type(json_member(copy->custom, "wf_jid")) == JSON_STRING)
        must(same_first_jid(copy, job));
    job_free(copy);
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err_text why = {""};
    struct job *job = job_parse((const char *)data, size, &why);

    if (!job) {
        must(why.text[0] != '\0');
        return 0;
    }
    must(inside(job->args, job->text));
    must(job->custom.len == 0 || inside(job->custom, job->text));
    must(strlen(job->jid) <= size && strlen(job->type) <= size && job->attempt >= 1);
    check_copy(job);
    job_free(job);
    return 0;
}

// SPDX-License-Identifier: MIT
#include "common/push/push_line.h"

#include <string.h>

#include "common/faktory/faktory.h"
#include "common/pack/pack.h"

enum { COMMAND_OVERHEAD = 16 /* PUSHB [...]CRLF */ };

static bool may_share(const struct push_job *head, const struct push_job *job)
{
    return head->pack_max > 1 && head->group < head->pack_max && job->pack_max == head->pack_max &&
           (job->queue == head->queue || strcmp(job->queue, head->queue) == 0);
}

struct push_cut push_line_cut(struct push_job *first, unsigned max_size, bool one_request)
{
    struct push_cut cut = {.last = first, .bytes = COMMAND_OVERHEAD};
    struct push_job *head = NULL;
    unsigned elements = 0;

    for (struct push_job *job = first; job; job = job->next) {
        bool joins = head && may_share(head, job);
        size_t more = job->len + 1 + (joins && head->group == 1 ? PACK_FRAME_MAX : 0);

        if (cut.jobs > 0 &&
            ((!joins && elements == max_size) || cut.bytes + more > FAKTORY_COMMAND_BYTES_MAX))
            break;
        if (joins) {
            head->group++;
            job->group = 0;
        } else {
            head = job;
            job->group = 1;
            elements++;
        }
        cut.bytes += more;
        cut.job_bytes += job->len + 1;
        cut.jobs++;
        cut.last = job;
        if (one_request && job->ends_request)
            break;
    }
    return cut;
}

/* What the pack must allow for: the longest reservation, and as many tries as the most patient of
 * its jobs has. A pack fails only when a worker dies, which is none of its jobs' failures. */
static void add_limits(struct pack_spec *spec, const struct push_job *job)
{
    if (job->reserve_for_s > spec->reserve_for_s)
        spec->reserve_for_s = job->reserve_for_s;
    if (job->retry > spec->retry)
        spec->retry = job->retry;
}

/* Writes the pack that begins with this job. */
static void write_pack(struct buf *line, const struct push_job *head, struct buf *list,
                       char jid[JID_CHARS + 1], const struct push_metrics *metrics)
{
    struct pack_spec spec = {.jid = jid, .queue = head->queue, .n = head->group};
    const struct push_job *job = head;
    size_t before = line->len;

    jid_make(jid);
    buf_clear(list);
    for (unsigned i = 0; i < head->group; i++, job = job->next) {
        buf_add_char(list, i == 0 ? '[' : ',');
        buf_add(list, job->text, job->len);
        add_limits(&spec, job);
    }
    buf_add_char(list, ']');
    spec.list = (struct json_slice){list->data, list->len};
    if (!list->failed)
        pack_write(line, &spec);
    line->failed = line->failed || list->failed;
    counter_add(metrics->packs, 1);
    counter_add(metrics->packed, head->group);
    counter_add(metrics->pack_bytes_in, list->len - head->group - 1);
    counter_add(metrics->pack_bytes_out, line->len - before);
}

void push_line_write(struct buf *line, const struct push_job *jobs, struct push_pack_jid *jids,
                     const struct push_metrics *metrics)
{
    struct buf list = BUF_INIT(0);

    buf_add_str(line, "PUSHB [");
    for (const struct push_job *job = jobs; job && !line->failed; job = job->next) {
        if (job->group == 0)
            continue;
        if (job != jobs)
            buf_add_char(line, ',');
        if (job->group == 1)
            buf_add(line, job->text, job->len);
        else
            write_pack(line, job, &list, (jids++)->text, metrics);
    }
    buf_add_str(line, "]\r\n");
    buf_fini(&list);
}

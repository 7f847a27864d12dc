// SPDX-License-Identifier: MIT
#include "common/pack/pack.h"

#include <stdlib.h>
#include <string.h>

#include "common/faktory/job_read.h"
#include "common/pack/base64.h"
#include "common/pack/gzip.h"

enum {
    NESTING_MAX = JSON_DEPTH_MAX - 8, /* of args and custom; their frames are nested too */
    JID_MIN = 8,                      /* Faktory's */
};

const char pack_type[] = "wf_pack";

/* ---- writing ---- */

static bool is_flat(struct json_slice value)
{
    int depth = 0;

    for (const char *at = value.at, *end = value.at + value.len; at < end; at++) {
        if (*at == '"')
            for (at++; *at != '"'; at++)
                at += *at == '\\';
        else if (*at == '[' || *at == '{') {
            if (++depth > NESTING_MAX)
                return false;
        } else if (*at == ']' || *at == '}')
            depth--;
    }
    return true;
}

bool pack_takes(const struct job_spec *spec)
{
    return !spec->at && spec->retry > 0 && is_flat(spec->args) && is_flat(spec->custom);
}

/* The list as one base64 string in an array; false when that is no gain, or there is no memory. */
static bool zip(struct buf *args, struct json_slice list)
{
    struct buf zipped = BUF_INIT(0);

    if (list.len > PACK_ZIP_FROM && gzip_write(&zipped, list.at, list.len) == 0) {
        buf_add_str(args, "[\"");
        base64_write(args, zipped.data, zipped.len);
        buf_add_str(args, "\"]");
    }
    buf_fini(&zipped);
    return !args->failed && args->len > 0 && args->len < list.len;
}

void pack_write(struct buf *out, const struct pack_spec *spec)
{
    struct buf args = BUF_INIT(0), custom = BUF_INIT(0);
    bool zipped = zip(&args, spec->list);
    struct job_spec job = {.jid = spec->jid,
                           .type = pack_type,
                           .queue = spec->queue,
                           .args = spec->list,
                           .retry = spec->retry,
                           .reserve_for_s = spec->reserve_for_s};

    if (zipped)
        job.args = (struct json_slice){args.data, args.len};
    buf_addf(&custom, "{\"wf_pack\":{\"items\":%zu,\"encoding\":\"%s\"}}", spec->n,
             zipped ? "gzip" : "json");
    job.custom = (struct json_slice){buf_str(&custom), custom.len};
    job_write(out, &job);
    out->failed = out->failed || custom.failed;
    buf_fini(&args);
    buf_fini(&custom);
}

/* ---- reading ---- */

static int unzip(struct buf *list, struct json_slice args, struct err_text *why)
{
    struct json_iter it = json_iter(args);
    struct json_slice only, second;
    struct buf text = BUF_INIT(0), zipped = BUF_INIT(0);
    int code = ERR_INVALID;

    if (json_next_item(&it, &only) && json_type(only) == JSON_STRING &&
        !json_next_item(&it, &second) && (code = json_read_string(only, &text)) == 0 &&
        (code = base64_read(&zipped, buf_str(&text), text.len)) == 0)
        code = gzip_read(list, buf_str(&zipped), zipped.len);
    buf_fini(&text);
    buf_fini(&zipped);
    if (code == ERR_NOMEM)
        return err_set(why, code, "out of memory for the pack");
    if (code == ERR_FULL)
        return err_set(why, ERR_INVALID, "the items are larger than %d bytes", PACK_TEXT_MAX);
    if (code != 0)
        return err_set(why, ERR_INVALID, "args is not one string of base64 of gzip");
    return 0;
}

/* The text of the list, and how many items it says it has. */
static int read_list(const struct job *job, struct buf *list, int64_t *n, struct err_text *why)
{
    struct json_slice about = json_member(job->custom, "wf_pack");
    struct json_slice encoding = json_member(about, "encoding");

    if (json_read_int64(json_member(about, "items"), n) != 0 || *n < 1 || *n > PACK_ITEMS_MAX)
        return err_set(why, ERR_INVALID, "custom.wf_pack.items is no number from 1 to %d",
                       PACK_ITEMS_MAX);
    if (json_string_is(encoding, "gzip"))
        return unzip(list, job->args, why);
    if (!json_string_is(encoding, "json"))
        return err_set(why, ERR_INVALID, "custom.wf_pack.encoding is neither json nor gzip");
    buf_add(list, job->args.at, job->args.len);
    return list->failed ? err_set(why, ERR_NOMEM, "out of memory for the pack") : 0;
}

/* An item may be stored again as it is, so it must be what Faktory takes, on one line. */
static int check_item(const struct job *item, const struct job *before, struct err_text *why)
{
    if (strlen(item->jid) < JID_MIN || !*item->type)
        return err_set(why, ERR_INVALID, "it needs a jid of %d characters and a jobtype", JID_MIN);
    if (strcmp(item->type, pack_type) == 0)
        return err_set(why, ERR_INVALID, "it is a pack itself");
    if (before && strcmp(before->queue, item->queue) == 0)
        return 0;
    return job_check_queue_name(item->queue, why);
}

static void join_lines(struct buf *text)
{
    for (char *at = text->data; (at = memchr(at, '\n', text->len - (size_t)(at - text->data)));)
        *at = ' ';
    for (char *at = text->data; (at = memchr(at, '\r', text->len - (size_t)(at - text->data)));)
        *at = ' ';
}

static int wrong_count(const struct pack *p, struct err_text *why)
{
    return err_set(why, ERR_INVALID, "there are not %zu items in it", p->n);
}

/* Reads the items of a checked list that lies in the pack's memory; strings go to `room`. */
static int read_items(struct pack *p, struct json_slice list, char *room, const struct job *from,
                      struct err_text *why)
{
    struct json_iter it = json_iter(list);
    struct json_slice text;
    size_t i = 0;

    for (; json_next_item(&it, &text); i++) {
        struct err_text what = {""};
        struct job *item = &p->items[i];

        if (i == p->n)
            return wrong_count(p, why);
        if (job_read(item, text, &room, &what) != 0 ||
            check_item(item, i > 0 ? item - 1 : NULL, &what) != 0)
            return err_set(why, ERR_INVALID, "item %zu of %zu: %s", i + 1, p->n, what.text);
        item->reserve_for_s = from->reserve_for_s;
        item->fetched_ms = from->fetched_ms;
    }
    return i == p->n ? 0 : wrong_count(p, why);
}

/* One block: the pack, its items, the list's text, and behind that room for the strings, which is
 * never more than the text they are read from, and a NUL each where they were left out. */
static struct pack *lay_out(const struct buf *list, size_t n, struct json_slice root,
                            const struct job *from, int *code, struct err_text *why)
{
    struct pack *p =
        malloc(sizeof *p + n * (sizeof p->items[0] + JOB_READ_STRINGS) + 2 * list->len);
    char *text;

    if (!p) {
        *code = err_set(why, ERR_NOMEM, "out of memory for the pack");
        return NULL;
    }
    p->n = n;
    text = (char *)&p->items[n];
    memcpy(text, list->data, list->len);
    root.at = text + (root.at - list->data);
    *code = read_items(p, root, text + list->len, from, why);
    if (*code == 0)
        return p;
    pack_free(p);
    return NULL;
}

struct pack *pack_open(const struct job *job, int *code, struct err_text *why)
{
    struct buf list = BUF_INIT(PACK_TEXT_MAX);
    struct json_slice root;
    struct pack *p = NULL;
    int64_t n;

    if ((*code = read_list(job, &list, &n, why)) == 0 &&
        (*code = json_check(buf_str(&list), list.len, &root, why)) == 0) {
        join_lines(&list);
        if (json_type(root) == JSON_ARRAY)
            p = lay_out(&list, (size_t)n, root, job, code, why);
        else
            *code = err_set(why, ERR_INVALID, "the items are not a list");
    }
    buf_fini(&list);
    return p;
}

void pack_free(struct pack *p)
{
    free(p);
}

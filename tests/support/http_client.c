// SPDX-License-Identifier: MIT
#include "tests/support/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"

enum { DEFAULT_TIMEOUT_MS = 30000, ANSWER_MAX = 64 << 20 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t collect(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *to = arg;

    buf_add(to, bytes, size * count);
    return to->failed ? 0 : size * count;
}

static struct curl_slist *header_list(const char *const *headers)
{
    /* "Expect: 100-continue" costs a round trip that no test asked for. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (; headers && *headers; headers++)
        list = curl_slist_append(list, *headers);
    return list;
}

static void prepare(CURL *c, const struct http_call *call, struct buf *body, struct buf *headers)
{
    curl_easy_setopt(c, CURLOPT_URL, call->url);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS,
                     call->timeout_ms > 0 ? call->timeout_ms : (long)DEFAULT_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, headers);
    if (call->body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)(call->body_len > 0 ? call->body_len : strlen(call->body)));
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body);
    }
    if (call->method && strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    if (call->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, call->method);
}

int http_request(const struct http_call *call, struct http_answer *out, struct err_text *why)
{
    struct buf body = BUF_INIT(ANSWER_MAX), headers = BUF_INIT(ANSWER_MAX);
    struct curl_slist *list;
    CURLcode result;
    long status = 0;
    CURL *c;

    memset(out, 0, sizeof *out);
    pthread_once(&once, init_curl);
    if (!(c = curl_easy_init()))
        return ERR_NOMEM;
    list = header_list(call->headers);
    prepare(c, call, &body, &headers);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    result = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(list);
    curl_easy_cleanup(c);
    if (result == CURLE_OK) {
        out->status = (int)status;
        out->body_len = body.len;
        out->body = buf_take(&body);
        out->headers = buf_take(&headers);
        return 0;
    }
    buf_fini(&body);
    buf_fini(&headers);
    return err_set(why, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_IO, "%s: %s",
                   call->url, curl_easy_strerror(result));
}

void http_answer_fini(struct http_answer *a)
{
    free(a->body);
    free(a->headers);
    memset(a, 0, sizeof *a);
}

const char *http_answer_header(const struct http_answer *a, const char *name, char *out,
                               size_t room)
{
    size_t len = strlen(name);

    for (const char *line = a->headers; line && *line;
         line += strcspn(line, "\n"), line += !!*line) {
        size_t n;

        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        line += len + 1;
        line += strspn(line, " \t");
        n = strcspn(line, "\r\n");
        n = n < room ? n : room - 1;
        memcpy(out, line, n);
        out[n] = '\0';
        return out;
    }
    return NULL;
}

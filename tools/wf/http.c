// SPDX-License-Identifier: MIT
#include "tools/wf/http.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"

enum { CONNECT_MS = 10000, HEADERS_MAX = 64 << 10 };

struct http {
    CURL *curl;
    struct curl_slist *headers; /* of every request */
    struct buf base, url;
    struct buf body, head; /* of the last answer */
};

static size_t collect(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *to = arg;

    buf_add(to, bytes, size * count);
    return to->failed ? 0 : size * count;
}

struct http *http_new(const char *base)
{
    struct http *h = calloc(1, sizeof *h);

    if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(h);
        return NULL;
    }
    h->curl = curl_easy_init();
    h->headers = curl_slist_append(NULL, "Expect:"); /* it would cost a round trip */
    if (h->headers)
        (void)curl_slist_append(h->headers, "Content-Type: application/json");
    h->body = (struct buf)BUF_INIT(HTTP_ANSWER_MAX);
    h->head = (struct buf)BUF_INIT(HEADERS_MAX);
    buf_add_str(&h->base, base);
    while (h->base.len > 0 && h->base.data[h->base.len - 1] == '/')
        h->base.data[--h->base.len] = '\0';
    if (h->curl && h->headers && !h->base.failed)
        return h;
    http_free(h);
    return NULL;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    curl_slist_free_all(h->headers);
    curl_easy_cleanup(h->curl);
    buf_fini(&h->base);
    buf_fini(&h->url);
    buf_fini(&h->body);
    buf_fini(&h->head);
    free(h);
    curl_global_cleanup();
}

static void set_url(struct http *h, const char *path)
{
    buf_clear(&h->url);
    if (path[0] == '/')
        buf_add_str(&h->url, buf_str(&h->base));
    buf_add_str(&h->url, path);
}

static void prepare(struct http *h, const struct http_ask *ask)
{
    CURL *c = h->curl;
    long connect_ms = ask->timeout_ms < CONNECT_MS ? (long)ask->timeout_ms : (long)CONNECT_MS;

    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, buf_str(&h->url));
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L); /* see the head of http.h */
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &h->body);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &h->head);
    if (ask->body) {
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, h->headers);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->len);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, ask->body);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, ask->method);
}

/* True when nobody can have read the whole request: what curl handed to the kernel was less. */
static bool surely_unseen(struct http *h, const struct http_ask *ask, CURLcode result)
{
    curl_off_t sent = 0, connected_us = 0;

    if (result == CURLE_SSL_CONNECT_ERROR || result == CURLE_PEER_FAILED_VERIFICATION)
        return true;
    curl_easy_getinfo(h->curl, CURLINFO_CONNECT_TIME_T, &connected_us);
    if (connected_us == 0) /* at least 1 once there was a connection */
        return true;
    curl_easy_getinfo(h->curl, CURLINFO_SIZE_UPLOAD_T, &sent);
    return ask->body && sent < (curl_off_t)ask->len;
}

/* curl's own words for the usual cases are about curl, not about the service. */
static const char *in_words(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_CONNECT:
        return "connection refused, or no way there";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "there is no such host";
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time";
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
        return "the connection was lost";
    case CURLE_UNSUPPORTED_PROTOCOL:
        return "what answers there does not speak HTTP";
    default:
        return curl_easy_strerror(result);
    }
}

int http_do(struct http *h, const struct http_ask *ask, struct http_answer_view *answer,
            struct err_text *why)
{
    CURLcode result;
    long status = 0;
    int code = ERR_CLOSED;

    set_url(h, ask->path);
    buf_clear(&h->body);
    buf_clear(&h->head);
    if (h->url.failed)
        return err_set(why, ERR_ABSENT, "out of memory for a request");
    prepare(h, ask);
    result = curl_easy_perform(h->curl);
    if (result == CURLE_OK) {
        curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
        *answer = (struct http_answer_view){
            .status = (int)status, .body = buf_str(&h->body), .len = h->body.len};
        return 0;
    }
    if (surely_unseen(h, ask, result))
        code = ERR_ABSENT;
    else if (result == CURLE_OPERATION_TIMEDOUT)
        code = ERR_TIMEOUT;
    return err_set(why, code, "%s: %s", buf_str(&h->url), in_words(result));
}

const char *http_header(const struct http *h, const char *name, char *out, size_t room)
{
    size_t len = strlen(name);
    const char *line = buf_str(&h->head);

    for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
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

// SPDX-License-Identifier: MIT
#include "tools/bench/scrape.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "tools/bench/load_conn.h"

enum { TIMEOUT_MS = 5000 };

int scrape_get(const char *port, const char *path, struct buf *body, struct err_text *why)
{
    int64_t deadline = clock_ms() + TIMEOUT_MS;
    struct buf request = BUF_INIT(0);
    struct load_conn c;
    int status = 0, code;
    bool more;

    buf_clear(body);
    buf_addf(&request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
    code = load_conn_open(&c, port, why);
    if (code == 0)
        code = load_conn_send(&c, &request, &more, why);
    while (code == 0) {
        struct pollfd p = {.fd = c.fd, .events = POLLIN};

        if (poll(&p, 1, clock_poll_ms(deadline, TIMEOUT_MS)) > 0)
            code = load_conn_receive(&c, &status, why);
        if (code == 0 && clock_ms() >= deadline)
            code = err_set(why, ERR_TIMEOUT, "GET %s: no answer in %d s", path, TIMEOUT_MS / 1000);
    }
    if (code > 0)
        buf_add(body, buf_str(&c.in) + c.body, c.in.len - c.body);
    load_conn_close(&c);
    buf_fini(&request);
    return code > 0 ? status : code;
}

bool scrape_ready(const char *port, const char *path)
{
    struct buf body = BUF_INIT(0);
    int status = scrape_get(port, path, &body, NULL);

    buf_fini(&body);
    return status == 200;
}

double scrape_sum(const char *text, const char *name, const char *labels)
{
    size_t len = strlen(name);
    double sum = 0;

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *at = line + len, *end = at;

        if (strncmp(line, name, len) != 0 || (*at != '{' && *at != ' '))
            continue;
        if (*at == '{' && !(end = strchr(at, '}')))
            break;
        if (memmem(at, (size_t)(end - at), labels, strlen(labels)))
            sum += strtod(end + (*end == '}'), NULL);
    }
    return sum;
}

// SPDX-License-Identifier: MIT
#include "common/service/address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

static bool port_is_good(const char *port)
{
    size_t len = strlen(port);

    return len >= 1 && len <= 5 && strspn(port, "0123456789") == len &&
           strtoul(port, NULL, 10) <= 65535;
}

static bool host_is_good(const char *host, size_t len)
{
    if (len > 2 && host[0] == '[')
        return host[len - 1] == ']' && !memchr(host + 1, '[', len - 1);
    return len > 0 && !memchr(host, ':', len) && !memchr(host, '[', len);
}

int address_check(const char *text, struct buf *expected)
{
    const char *colon = strrchr(text, ':');

    if (!*text || (colon && port_is_good(colon + 1) && !strpbrk(text, " /@") &&
                   host_is_good(text, (size_t)(colon - text))))
        return 0;
    buf_add_str(expected, "HOST:PORT like 127.0.0.1:3000 or [::1]:3000 (port 0: any free one)");
    return ERR_INVALID;
}

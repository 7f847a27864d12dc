// SPDX-License-Identifier: MIT
/*
 * fuzz_url - whatever is accepted has a host and a port that connect() can use, is shown without
 * its password, and what is shown reads as the same address again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/faktory/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_accepted(const struct url *url)
{
    char shown[URL_SHOWN_MAX];
    struct url again;
    long port = strtol(url->port, NULL, 10);

    must(url->host[0] != '\0' && memchr(url->host, '\0', sizeof url->host));
    must(memchr(url->password, '\0', sizeof url->password));
    must(port >= 1 && port <= 65535 && strspn(url->port, "0123456789") == strlen(url->port));
    must(!strpbrk(url->host, " \r\n\t/?#@\\"));
    url_redacted(url, shown);
    must(memchr(shown, '\0', sizeof shown));
    must((strstr(shown, ":***@") != NULL) == (url->password[0] != '\0'));
    must(url_parse(shown, &again, NULL) == 0);
    must(strcmp(again.host, url->host) == 0 && strcmp(again.port, url->port) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct buf expected = BUF_INIT(0);
    struct err_text why = {""};
    struct url url;
    int code;

    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    code = url_parse(text, &url, &why);
    must(code == 0 || (code == ERR_INVALID && why.text[0] != '\0'));
    if (code == 0)
        check_accepted(&url);
    must(url_check(text, &expected) == code);
    must((expected.len == 0) == (code == 0));
    buf_fini(&expected);
    free(text);
    return 0;
}

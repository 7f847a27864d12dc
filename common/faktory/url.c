// SPDX-License-Identifier: MIT
#include "common/faktory/url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char default_port[] = "7419"; /* Faktory's own */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Copies text[0..len) with %xx decoded; false when malformed or too long. */
static bool percent_decode(const char *text, size_t len, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '%') {
            int hi = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int lo = i + 2 < len ? hex_digit(text[i + 2]) : -1;

            if (hi < 0 || lo < 0)
                return false;
            c = (char)(hi * 16 + lo);
            i += 2;
        }
        if (n + 1 >= room || c == '\0')
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return true;
}

/* "user:password" or ":password"; Faktory knows no user names, so a user is accepted and ignored.
 */
static int parse_userinfo(const char *text, size_t len, struct url *out, struct err_text *why)
{
    const char *colon = memchr(text, ':', len);

    if (!colon)
        return err_set(why, ERR_INVALID,
                       "expected a colon before the password: tcp://:password@host");
    if (!percent_decode(colon + 1, len - (size_t)(colon + 1 - text), out->password,
                        sizeof out->password))
        return err_set(why, ERR_INVALID,
                       "expected a password of at most %d bytes, special characters as %%xx",
                       URL_PASSWORD_MAX - 1);
    return 0;
}

static int parse_port(const char *text, struct url *out, struct err_text *why)
{
    unsigned long port = 0;
    size_t len = strlen(text);

    for (size_t i = 0; i < len && len <= 5; i++)
        port =
            text[i] >= '0' && text[i] <= '9' ? port * 10 + (unsigned long)(text[i] - '0') : 99999;
    if (len == 0 || len > 5 || port < 1 || port > 65535)
        return err_set(why, ERR_INVALID, "expected a port from 1 to 65535 behind the host");
    snprintf(out->port, sizeof out->port, "%lu", port);
    return 0;
}

/* host, host:port, [v6] or [v6]:port */
static int parse_host_port(const char *text, struct url *out, struct err_text *why)
{
    const char *host = text, *host_end, *rest;

    if (*text == '[') {
        host = text + 1;
        host_end = strchr(host, ']');
        rest = host_end ? host_end + 1 : NULL;
    } else {
        host_end = strchr(text, ':');
        rest = host_end = host_end ? host_end : text + strlen(text);
    }
    if (!host_end || host_end == host || host_end - host >= URL_HOST_MAX || (*rest && *rest != ':'))
        return err_set(why, ERR_INVALID, "expected a host name or address: tcp://host:7419");
    for (const char *c = host; c < host_end; c++)
        if (*c <= ' ' || strchr("/?#@\\[]", *c))
            return err_set(why, ERR_INVALID, "expected a host name or address: tcp://host:7419");
    memcpy(out->host, host, (size_t)(host_end - host));
    out->host[host_end - host] = '\0';
    if (*rest == ':')
        return parse_port(rest + 1, out, why);
    memcpy(out->port, default_port, sizeof default_port);
    return 0;
}

int url_parse(const char *text, struct url *out, struct err_text *why)
{
    static const char scheme[] = "tcp://", tls_scheme[] = "tcp+tls://";
    char authority[URL_HOST_MAX + URL_PASSWORD_MAX * 3 + 64];
    const char *host;
    char *at;
    size_t len;

    memset(out, 0, sizeof *out);
    if (strncmp(text, tls_scheme, sizeof tls_scheme - 1) == 0)
        return err_set(
            why, ERR_INVALID,
            "expected tcp://; this version has no TLS yet (use a tunnel such as stunnel)");
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return err_set(why, ERR_INVALID, "expected tcp://[:password@]host[:port]");
    len = strlen(text + sizeof scheme - 1);
    if (len >= sizeof authority)
        return err_set(why, ERR_INVALID, "expected a shorter URL");
    memcpy(authority, text + sizeof scheme - 1, len + 1);
    if (len > 0 && authority[len - 1] == '/') /* people paste a trailing slash */
        authority[len - 1] = '\0';

    at = strrchr(authority, '@');
    host = at ? at + 1 : authority;
    if (at) {
        int code = parse_userinfo(authority, (size_t)(at - authority), out, why);

        if (code != 0)
            return code;
    }
    return parse_host_port(host, out, why);
}

int url_parse_with(const char *text, const char *password, struct url *out, struct err_text *why)
{
    int code = url_parse(text, out, why);

    if (code != 0 || !*password)
        return code;
    if (out->password[0] && strcmp(out->password, password) != 0)
        return err_set(why, ERR_INVALID,
                       "expected no password in it, or the one of FAKTORY_PASSWORD, which differs");
    if (strlen(password) >= sizeof out->password)
        return err_set(why, ERR_INVALID, "expected a password of at most %d bytes",
                       URL_PASSWORD_MAX - 1);
    memcpy(out->password, password, strlen(password) + 1);
    return 0;
}

int url_check(const char *text, struct buf *expected)
{
    struct url url;
    struct err_text why;
    int code = url_parse(text, &url, &why);

    if (code != 0)
        buf_add_str(expected, why.text);
    explicit_bzero(url.password, sizeof url.password);
    return code;
}

int url_check_with(const char *text, const char *password, const char *name, struct buf *errors)
{
    struct url url;
    struct err_text why;
    char shown[URL_SHOWN_MAX];
    int code = 0;

    if (url_parse(text, &url, NULL) == 0 &&
        (code = url_parse_with(text, password, &url, &why)) != 0) {
        url_redacted(&url, shown);
        buf_addf(errors, "%s\"%s\": %s\n", name, shown, why.text);
    }
    explicit_bzero(url.password, sizeof url.password);
    return code;
}

void url_redacted(const struct url *url, char out[URL_SHOWN_MAX])
{
    bool v6 = strchr(url->host, ':') != NULL;

    snprintf(out, URL_SHOWN_MAX, "tcp://%s%s%s%s:%s", url->password[0] ? ":***@" : "",
             v6 ? "[" : "", url->host, v6 ? "]" : "", url->port);
}

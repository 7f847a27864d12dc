// SPDX-License-Identifier: MIT
#include "tools/wf/server.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

struct server {
    struct faktory_settings settings;
    struct faktory *connection; /* NULL: none */
    int64_t info_ms;            /* when INFO was last sent; 0: never */
};

struct server *server_new(const struct faktory_settings *settings, int64_t timeout_ms)
{
    struct server *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->settings = *settings;
    if (s->settings.net.read_ms > timeout_ms)
        s->settings.net.read_ms = timeout_ms;
    return s;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    faktory_close(s->connection);
    explicit_bzero(&s->settings, sizeof s->settings);
    free(s);
}

/* Connects if there is no connection yet; the sentence of an error names the address. */
static int ensure_connected(struct server *s, struct err_text *why)
{
    char shown[URL_SHOWN_MAX];
    struct err_text reason = {""};
    int code = 0;

    if (s->connection)
        return 0;
    s->connection = faktory_connect(&s->settings, NULL, &code, &reason);
    if (s->connection)
        return 0;
    url_redacted(&s->settings.url, shown);
    return err_set(why, code, "Faktory at %.120s: %.120s", shown, reason.text);
}

/* What Faktory survives: one line, and a verb with its operand. */
static bool is_safe(const char *command)
{
    const char *operand = strchr(command, ' ');

    if (strpbrk(command, "\r\n"))
        return false;
    if (strcmp(command, "INFO") == 0)
        return true;
    if (!operand || operand == command)
        return false;
    if (strncmp(command, "QUEUE ", 6) == 0) /* QUEUE LATENCY NAME */
        operand = strchr(operand + 1, ' ');
    return operand && operand[1 + strspn(operand + 1, " ")] != '\0';
}

int server_call(struct server *s, const char *command, struct resp_reply *reply,
                struct err_text *why)
{
    bool info = strcmp(command, "INFO") == 0;
    char shown[URL_SHOWN_MAX];
    struct err_text reason = {""};
    int code;

    if (!is_safe(command))
        return err_set(why, ERR_INVALID, "\"%.40s\" is no whole command: not sent", command);
    if (info && s->info_ms > 0 && clock_ms() - s->info_ms < SERVER_INFO_EVERY_MS)
        return err_set(why, ERR_FULL, "INFO is asked every %d s at most",
                       SERVER_INFO_EVERY_MS / 1000);
    if ((code = ensure_connected(s, why)) != 0)
        return code;
    if (info)
        s->info_ms = clock_ms();
    code = faktory_call(s->connection, command, reply, &reason);
    if (code == 0)
        return 0;
    faktory_drop(s->connection);
    s->connection = NULL;
    url_redacted(&s->settings.url, shown);
    return err_set(why, code, "Faktory at %.120s: %.120s", shown, reason.text);
}

int server_ask(struct server *s, const char *command, struct json_slice *root, struct err_text *why)
{
    struct resp_reply reply = {.kind = RESP_NIL};
    char shown[120];
    int code = server_call(s, command, &reply, why);

    if (code != 0)
        return code;
    if (reply.kind == RESP_BULK && json_check(reply.text, reply.len, root, NULL) == 0)
        return 0;
    resp_show(&reply, shown, sizeof shown);
    return err_set(why, reply.kind == RESP_ERROR ? ERR_REFUSED : ERR_PROTOCOL,
                   "Faktory answered %.20s with %s", command, shown);
}

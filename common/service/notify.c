// SPDX-License-Identifier: MIT
#include "common/service/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

enum {
    WATCHDOG_MIN_US = 100000,
    RETRY_PARTS = 16, /* of the watchdog's time pass before another look or try */
};

/* ---- sending ---- */

static void send_text(struct notify *n, const char *text)
{
    size_t len = strlen(text);
    bool sent;

    if (n->fd < 0)
        return;
    sent = sendto(n->fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_bytes) ==
           (ssize_t)len;
    if (!sent && !n->failing)
        log_warn("the service manager does not hear us: %s", strerror(errno));
    n->failing = !sent;
}

/* ---- what the environment asks for ---- */

/* A path, or an abstract name, which is written with @ for its zero byte. */
static bool read_socket(struct notify *n, const char *name)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof n->to.sun_path)
        return false;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, name, len + 1);
    n->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    if (name[0] == '@')
        n->to.sun_path[0] = '\0';
    return true;
}

static bool read_number(const char *text, int64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *value > 0;
}

/* 0 when no watchdog watches, or when it watches another process. */
static int64_t read_watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t value;

    if (!usec || !*usec)
        return 0;
    if (pid && *pid && (!read_number(pid, &value) || value != getpid()))
        return 0;
    if (read_number(usec, &value) && value >= WATCHDOG_MIN_US)
        return value / 1000;
    log_warn("WATCHDOG_USEC=\"%s\": expected microseconds, at least %d; no watchdog is fed", usec,
             WATCHDOG_MIN_US);
    return 0;
}

static int open_socket(void)
{
    const struct timeval most = {.tv_sec = NOTIFY_SEND_MS / 1000,
                                 .tv_usec = NOTIFY_SEND_MS % 1000 * 1000L};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) != 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        log_warn("no socket for the service manager: %s", strerror(errno));
    return fd;
}

void notify_open(struct notify *n)
{
    const char *name = getenv("NOTIFY_SOCKET");

    *n = (struct notify){.fd = -1};
    if (name && *name) {
        if (read_socket(n, name))
            n->fd = open_socket();
        else
            log_warn("NOTIFY_SOCKET=\"%s\": expected a path, or @ and a name", name);
    }
    if (n->fd >= 0)
        n->watchdog_ms = read_watchdog_ms();
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

/* ---- what there is to say ---- */

void notify_ready(struct notify *n)
{
    n->next_ms = clock_ms() + n->watchdog_ms / 2;
    send_text(n, "READY=1\nWATCHDOG=1");
}

void notify_status(struct notify *n, const char *fmt, ...)
{
    char line[NOTIFY_STATUS_MAX + sizeof "STATUS="] = "STATUS=";
    char *status = line + strlen(line);
    va_list args;

    if (n->fd < 0)
        return;
    va_start(args, fmt);
    vsnprintf(status, NOTIFY_STATUS_MAX, fmt, args);
    va_end(args);
    status[strcspn(status, "\n")] = '\0'; /* a second line would be another message */
    if (strcmp(status, n->status) == 0)
        return;
    memcpy(n->status, status, strlen(status) + 1); /* as large as what vsnprintf() may fill */
    send_text(n, line);
}

/* The part that is overdue the longest, if that is too long; NULL: all turn. */
static const struct notify_part *hanging(const struct notify *n, const struct notify_part *parts,
                                         unsigned n_parts)
{
    const struct notify_part *worst = NULL;

    for (unsigned i = 0; i < n_parts; i++)
        if (parts[i].late_ms >= n->watchdog_ms / 2 && (!worst || parts[i].late_ms > worst->late_ms))
            worst = &parts[i];
    return worst;
}

void notify_alive(struct notify *n, const struct notify_part *parts, unsigned n_parts)
{
    const struct notify_part *part;
    int64_t now_ms = clock_ms();

    if (n->watchdog_ms == 0 || now_ms < notify_next_ms(n))
        return;
    part = hanging(n, parts, n_parts);
    if (part && !n->starving)
        log_warn("a thread hangs, the watchdog is not fed part=%s late_ms=%" PRId64, part->name,
                 part->late_ms);
    if (!part && n->starving)
        log_info("no thread hangs any more, the watchdog is fed again");
    n->starving = part != NULL;
    if (!part)
        send_text(n, "WATCHDOG=1");
    n->next_ms = now_ms + n->watchdog_ms / (part || n->failing ? RETRY_PARTS : 2);
}

int64_t notify_next_ms(const struct notify *n)
{
    return n->watchdog_ms > 0 ? n->next_ms : CLOCK_NEVER;
}

void notify_stopping(struct notify *n, int64_t most_ms)
{
    char text[128];

    snprintf(text, sizeof text, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRId64 "\nSTATUS=stopping",
             (most_ms + NOTIFY_STOP_MARGIN_MS) * 1000);
    send_text(n, text);
}

// SPDX-License-Identifier: MIT
#include "tests/support/manager.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/err.h"
#include "tests/support/tcp.h"

int manager_init(struct manager *m, const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(name);

    if (len >= sizeof at.sun_path)
        return ERR_IO;
    memcpy(at.sun_path, name, len + 1);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    snprintf(m->env, sizeof m->env, "NOTIFY_SOCKET=%s", name);
    m->text[0] = '\0';
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (m->fd < 0)
        return ERR_IO;
    if (bind(m->fd, (struct sockaddr *)&at,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
        return 0;
    manager_fini(m);
    return ERR_IO;
}

void manager_fini(struct manager *m)
{
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
}

bool manager_hears(struct manager *m, int64_t timeout_ms)
{
    ssize_t n;

    if (!tcp_readable(m->fd, timeout_ms))
        return false;
    n = recv(m->fd, m->text, sizeof m->text - 1, 0);
    m->text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

bool manager_has_line(const struct manager *m, const char *line)
{
    size_t len = strlen(line);

    for (const char *at = m->text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == '\0'))
            return true;
    }
    return false;
}

bool manager_hears_line(struct manager *m, const char *line, int64_t timeout_ms)
{
    int64_t deadline_ms = clock_ms() + timeout_ms;

    for (;;) {
        int64_t left_ms = deadline_ms - clock_ms();

        if (left_ms <= 0 || !manager_hears(m, left_ms))
            return false;
        if (manager_has_line(m, line))
            return true;
    }
}

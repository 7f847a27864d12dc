// SPDX-License-Identifier: MIT
#include "common/http/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"

enum {
    BACKLOG = 4096,            /* the kernel cuts it to net.core.somaxconn */
    FD_RESERVE = 128,          /* for everything in the program that is no client */
    FD_SENSIBLE = 1024 * 1024, /* some hard limits are a billion; no need to go there */
};

int http_split_addr(const char *addr, char *host, size_t host_size, const char **port)
{
    const char *colon = strrchr(addr, ':');
    size_t len;

    if (!colon || colon == addr || colon[1] == '\0' ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return ERR_INVALID;
    len = (size_t)(colon - addr);
    if (addr[0] == '[') {
        if (len < 3 || addr[len - 1] != ']')
            return ERR_INVALID;
        addr++;
        len -= 2;
    } else if (memchr(addr, ':', len)) {
        return ERR_INVALID;
    }
    if (len >= host_size)
        return ERR_INVALID;
    memcpy(host, addr, len);
    host[len] = '\0';
    *port = colon + 1;
    return 0;
}

static int open_on(const struct addrinfo *ai)
{
    int on = 1, off = 0, saved;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ai->ai_family == AF_INET6) /* [::] takes IPv4 too, whatever the system's default */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static unsigned port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = {.v6 = {0}};
    socklen_t len = sizeof a;

    if (getsockname(fd, &a.any, &len) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

int http_listen(const char *bind_addr, unsigned *port, struct err_text *why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[HTTP_HOST_MAX];
    const char *service;
    int fd, code;

    if (http_split_addr(bind_addr, host, sizeof host, &service) != 0)
        return err_set(why, ERR_INVALID, "\"%s\" is not HOST:PORT or [IPV6]:PORT", bind_addr);
    if ((code = getaddrinfo(host, service, &hints, &found)) != 0)
        return err_set(why, ERR_INVALID, "cannot use the address %s: %s", bind_addr,
                       gai_strerror(code));
    fd = -1;
    for (const struct addrinfo *ai = found; ai && fd < 0; ai = ai->ai_next)
        fd = open_on(ai);
    freeaddrinfo(found);
    if (fd < 0)
        return err_set(why, ERR_IO, "cannot listen on %s: %s", bind_addr, strerror(errno));
    *port = port_of(fd);
    return fd;
}

unsigned http_fit_connections(unsigned connections)
{
    struct rlimit limit;
    rlim_t want = (rlim_t)connections + FD_RESERVE;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return connections;
    if (limit.rlim_cur < want && limit.rlim_cur < limit.rlim_max) {
        struct rlimit more = limit;

        more.rlim_cur = limit.rlim_max < FD_SENSIBLE ? limit.rlim_max : FD_SENSIBLE;
        if (more.rlim_cur > limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &more) == 0)
            limit = more;
    }
    if (limit.rlim_cur >= want)
        return connections;
    want = limit.rlim_cur > 2UL * FD_RESERVE ? limit.rlim_cur - FD_RESERVE : limit.rlim_cur / 2;
    log_warn("fewer connections than asked for: the limit of open files is too low "
             "asked=%u connections=%llu files=%llu",
             connections, (unsigned long long)want, (unsigned long long)limit.rlim_cur);
    return (unsigned)want;
}

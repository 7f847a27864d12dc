// SPDX-License-Identifier: MIT
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { POLL_MS = 5, LOWEST_PORT = 10000, PORT_TRIES = 200 };

bool wait_until(bool (*cond)(void *), void *arg, int64_t timeout_ms)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t deadline = clock_ms() + timeout_ms;

    for (;;) {
        bool late = clock_ms() >= deadline;

        if (cond(arg))
            return true;
        if (late)
            return false;
        nanosleep(&pause, NULL);
    }
}

/* The first port that the kernel may give to an outgoing connection. */
static int first_ephemeral_port(void)
{
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    int low = 0;

    if (f) {
        if (fscanf(f, "%d", &low) != 1)
            low = 0;
        fclose(f);
    }
    return low > LOWEST_PORT + PORT_TRIES ? low : 32768;
}

static bool can_bind(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok;

    if (fd < 0)
        return false;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return ok;
}

int free_port(void)
{
    unsigned int room = (unsigned int)(first_ephemeral_port() - LOWEST_PORT);

    for (int i = 0; i < PORT_TRIES; i++) {
        unsigned int r;
        int port;

        if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
            return -1;
        port = LOWEST_PORT + (int)(r % room);
        if (can_bind(port))
            return port;
    }
    return -1;
}

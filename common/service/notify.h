// SPDX-License-Identifier: MIT
/*
 * notify - tells the service manager how the program is: ready, alive, stopping, and one line of
 * status that people read. This is the protocol of sd_notify(3): datagrams to $NOTIFY_SOCKET.
 *
 * It is written here and not taken from libsystemd because the protocol is a dozen lines,
 * documented and promised to stay, while the library brings four more with it into programs that
 * otherwise do without and also run where no systemd is. Without NOTIFY_SOCKET all of it does
 * nothing.
 *
 * Everything here is for the main thread. A send blocks for NOTIFY_SEND_MS at most; one that fails
 * is logged, once in a row, and a sign of life is tried again at the next look.
 */
#ifndef COMMON_SERVICE_NOTIFY_H
#define COMMON_SERVICE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    NOTIFY_SEND_MS = 1000,
    NOTIFY_STATUS_MAX = 256,
    NOTIFY_STOP_MARGIN_MS = 10000, /* what stopping may take beyond its own deadline */
};

/* Embedded by value; notify_open() fills it. */
struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t to_bytes;
    int64_t watchdog_ms; /* 0: no watchdog */
    int64_t next_ms;     /* when the next sign of life is due */
    bool failing;        /* the last send failed */
    bool starving;       /* signs of life are held back */
    char status[NOTIFY_STATUS_MAX];
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; what cannot be used of them is a warning.
 * They stay in the environment: that no child speaks in our name is NotifyAccess=main's part. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);

/* The program does its work from now on; this is also the first sign of life. */
void notify_ready(struct notify *n);

/* One line for people; sent when it differs from the last one. */
__attribute__((format(printf, 2, 3))) void notify_status(struct notify *n, const char *fmt, ...);

/* A part of the program that turns by itself, and for how long its next turn is overdue. */
struct notify_part {
    const char *name;
    int64_t late_ms; /* 0: it is in time */
};

/*
 * Sends a sign of life when half of the watchdog's time has passed since the last one; none while a
 * part is overdue by that much: its thread hangs, and only a new start helps. A warning names it.
 */
void notify_alive(struct notify *n, const struct notify_part *parts, unsigned n_parts);

/* When notify_alive() wants to be called next; CLOCK_NEVER: there is no watchdog. */
int64_t notify_next_ms(const struct notify *n);

/* Stopping began and will be over `most_ms` from now, or a little later: the manager waits that
 * long even if its own time is shorter, and needs no more signs of life. */
void notify_stopping(struct notify *n, int64_t most_ms);

#endif

// SPDX-License-Identifier: MIT
/*
 * manager - a service manager's end of sd_notify(3): the datagram socket that a program under test
 * writes its state to. One thread at a time.
 */
#ifndef TESTS_SUPPORT_MANAGER_H
#define TESTS_SUPPORT_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

enum { MANAGER_NAME_MAX = 108, MANAGER_TEXT_MAX = 1024 };

/* Embedded by value. */
struct manager {
    int fd;
    char env[MANAGER_NAME_MAX + sizeof "NOTIFY_SOCKET="]; /* for the program's environment */
    char text[MANAGER_TEXT_MAX];                          /* the last message */
};

/* Listens under `name`: a path, or @ and an abstract name. 0 or ERR_IO. */
int manager_init(struct manager *m, const char *name);
void manager_fini(struct manager *m);

/* Waits for the next message, which is then in `text`; false: none came. */
bool manager_hears(struct manager *m, int64_t timeout_ms);

/* Reads messages until one has the line; the others are dropped. */
bool manager_hears_line(struct manager *m, const char *line, int64_t timeout_ms);

/* Does the last message have this line? */
bool manager_has_line(const struct manager *m, const char *line);

#endif

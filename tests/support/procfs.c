// SPDX-License-Identifier: MIT
#include "tests/support/procfs.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TCP_STATE_LISTEN = 0x0A };

/* The inode of the socket that listens on 127.0.0.1:port, or 0. */
static unsigned long listener_inode(int port)
{
    FILE *f = fopen("/proc/net/tcp", "re");
    unsigned int address, at, state;
    unsigned long inode, found = 0;
    char line[512];

    while (f && !found && fgets(line, sizeof line, f))
        if (sscanf(line, " %*d: %8X:%4X %*s %2X %*s %*s %*s %*u %*u %lu", &address, &at, &state,
                   &inode) == 4 &&
            address == htonl(INADDR_LOOPBACK) && at == (unsigned int)port &&
            state == TCP_STATE_LISTEN)
            found = inode;
    if (f)
        fclose(f);
    return found;
}

bool procfs_owns_listener(pid_t pid, int port)
{
    unsigned long inode = listener_inode(port);
    char path[64], wanted[64], target[64];
    struct dirent *entry;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    if (inode == 0 || !(dir = opendir(path)))
        return false;
    while (!found && (entry = readdir(dir)) != NULL) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);

        target[n > 0 ? n : 0] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    closedir(dir);
    return found;
}

struct stat_line {
    char name[32];
    char state;
    int parent;
};

static bool read_stat_file(const char *path, struct stat_line *out)
{
    char line[512];
    char *open, *close;
    bool ok;
    FILE *f;

    if (!(f = fopen(path, "re")))
        return false;
    ok = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    /* "pid (command) S ppid ...", and the command may hold brackets and blanks itself. */
    if (!ok || !(open = strchr(line, '(')) || !(close = strrchr(line, ')')))
        return false;
    *close = '\0';
    snprintf(out->name, sizeof out->name, "%.31s", open + 1);
    return sscanf(close + 1, " %c %d", &out->state, &out->parent) == 2;
}

static bool read_stat(pid_t pid, struct stat_line *out)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    return read_stat_file(path, out);
}

pid_t procfs_child(pid_t parent, const char *name)
{
    struct dirent *entry;
    struct stat_line st;
    pid_t found = 0;
    DIR *dir = opendir("/proc");

    while (dir && !found && (entry = readdir(dir)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid > 0 && read_stat(pid, &st) && st.parent == parent && strcmp(st.name, name) == 0)
            found = pid;
    }
    if (dir)
        closedir(dir);
    return found;
}

bool procfs_gone(pid_t pid, const char *name)
{
    struct stat_line st;

    return pid <= 0 || !read_stat(pid, &st) || strcmp(st.name, name) != 0 || st.state == 'Z' ||
           st.state == 'X';
}

bool procfs_stopped(pid_t pid)
{
    char path[320];
    struct dirent *entry;
    struct stat_line st;
    bool all = true;
    DIR *dir;

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    if (!(dir = opendir(path)))
        return false;
    while (all && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)pid, entry->d_name);
        all = read_stat_file(path, &st) && st.state == 'T';
    }
    closedir(dir);
    return all;
}

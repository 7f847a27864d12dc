// SPDX-License-Identifier: MIT
/* The part of child.h that looks at any process. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/bench/child.h"

enum { NAME_BYTES = 64 };

int64_t process_cpu_us(pid_t pid)
{
    struct timespec t;
    clockid_t clock;

    /* The process's own CPU clock: all its threads, ended ones too, to the nanosecond. */
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return fopen(path, "re");
}

long process_peak_kib(pid_t pid)
{
    FILE *f = open_proc(pid, "status");
    char line[256];
    long kib = 0;

    while (f && kib == 0 && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

/* "pid (name) state parent ...", and the name may hold brackets and blanks itself. False for none
 * and for zombies. */
static bool read_stat(pid_t pid, char name[NAME_BYTES], long *parent)
{
    FILE *f = open_proc(pid, "stat");
    char line[512] = "", *open, *close;
    bool got = f && fgets(line, sizeof line, f);

    if (f)
        fclose(f);
    if (!got || !(open = strchr(line, '(')) || !(close = strrchr(line, ')')) || close[1] != ' ' ||
        close[2] == 'Z')
        return false;
    *close = '\0';
    snprintf(name, NAME_BYTES, "%s", open + 1);
    *parent = strtol(close + 3, NULL, 10);
    return true;
}

static bool in_command_line(pid_t pid, const char *text)
{
    FILE *f = open_proc(pid, "cmdline");
    char line[1024];
    size_t n = f ? fread(line, 1, sizeof line, f) : 0;

    if (f)
        fclose(f);
    return memmem(line, n, text, strlen(text)) != NULL;
}

/* The first process of this name with this parent (0: any) and this text (NULL: any). */
static pid_t find(const char *name, pid_t parent, const char *text)
{
    struct dirent *entry;
    char its[NAME_BYTES];
    pid_t found = 0;
    long of;
    DIR *dir = opendir("/proc");

    while (dir && !found && (entry = readdir(dir)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid > 0 && read_stat(pid, its, &of) && strcmp(its, name) == 0 &&
            (parent == 0 || of == parent) && (!text || in_command_line(pid, text)))
            found = pid;
    }
    if (dir)
        closedir(dir);
    return found;
}

pid_t process_with(const char *name, const char *text)
{
    return find(name, 0, text);
}

pid_t process_child(pid_t parent, const char *name)
{
    return find(name, parent, NULL);
}

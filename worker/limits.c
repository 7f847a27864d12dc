// SPDX-License-Identifier: MIT
#include "worker/limits.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { PATH_BYTES = 512, LINE_BYTES = 400 };

static void add(struct buf *out, const char *name, const char *value)
{
    buf_addf(out, "%s%s %s", out->len > 0 ? ", " : "", name, value);
}

/* The first line of a file without its end; false when it cannot be read. */
static bool first_line(const char *path, char line[LINE_BYTES])
{
    FILE *file = fopen(path, "re");
    bool read;

    if (!file)
        return false;
    read = fgets(line, LINE_BYTES, file) != NULL;
    fclose(file);
    if (read)
        line[strcspn(line, "\n")] = '\0';
    return read;
}

/* The control group's limit; version 2 only: there the first line of the file is "0::/path". */
static bool cgroup_pids(char line[LINE_BYTES])
{
    char path[PATH_BYTES], group[LINE_BYTES];

    if (!first_line("/proc/self/cgroup", group) || strncmp(group, "0::", 3) != 0)
        return false;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/pids.max", group + 3);
    return first_line(path, line);
}

void limits_describe(struct buf *out)
{
    static const struct {
        const char *name, *path;
    } files[] = {
        {"kernel.threads-max", "/proc/sys/kernel/threads-max"},
        {"vm.max_map_count", "/proc/sys/vm/max_map_count"},
    };
    struct rlimit limit;
    char line[LINE_BYTES];

    if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        snprintf(line, sizeof line, "%llu", (unsigned long long)limit.rlim_cur);
        add(out, "ulimit -u", line);
    }
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        snprintf(line, sizeof line, "%llu KiB", (unsigned long long)limit.rlim_cur >> 10);
        add(out, "ulimit -v", line);
    }
    if (cgroup_pids(line))
        add(out, "pids.max", line);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (first_line(files[i].path, line))
            add(out, files[i].name, line);
}

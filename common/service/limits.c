// SPDX-License-Identifier: MIT
#include "common/service/limits.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    PATH_BYTES = 512,
    LINE_BYTES = 400,
    MAPS_OWN = 300,       /* mappings of a program of ours before its first handler */
    MAPS_PER_THREAD = 2,  /* a stack and its guard page */
    SPACE_OWN = 64 << 20, /* address space of a program of ours, stacks aside */
    CAP_ADMIN = 21,       /* CAP_SYS_ADMIN and CAP_SYS_RESOURCE: `ulimit -u` does not bind them */
    CAP_RESOURCE = 24,
};

struct rows {
    struct limit *at;
    size_t n;
};

static void add(struct rows *rows, const char *name, int64_t most, int64_t room)
{
    struct limit *row = &rows->at[rows->n];

    if (rows->n == LIMITS_MAX)
        return;
    rows->n++;
    snprintf(row->name, sizeof row->name, "%.*s", LIMITS_NAME_MAX - 1, name);
    row->most = most;
    row->room = room > 0 ? room : 0;
}

/* ---- reading ---- */

/* The first line of a file without its end; false when it cannot be read. */
static bool first_line(const char *root, const char *path, char line[LINE_BYTES])
{
    char whole[PATH_BYTES];
    FILE *file;
    bool read;

    snprintf(whole, sizeof whole, "%s%s", root, path);
    if (!(file = fopen(whole, "re")))
        return false;
    read = fgets(line, LINE_BYTES, file) != NULL;
    fclose(file);
    if (read)
        line[strcspn(line, "\n")] = '\0';
    return read;
}

/* A whole number and nothing else; false for "max", too. */
static bool to_number(const char *text, int64_t *value)
{
    char *end;
    long long v = strtoll(text, &end, 10);

    if (end == text || *end)
        return false;
    *value = v;
    return true;
}

static bool file_number(const char *root, const char *path, int64_t *value)
{
    char line[LINE_BYTES];

    return first_line(root, path, line) && to_number(line, value);
}

/* The number behind `key` in a file of lines like "Threads:  12" (in that base); false without. */
static bool keyed_number(const char *root, const char *path, const char *key, int base,
                         int64_t *value)
{
    char whole[PATH_BYTES], line[LINE_BYTES];
    size_t len = strlen(key);
    bool found = false;
    FILE *file;

    snprintf(whole, sizeof whole, "%s%s", root, path);
    if (!(file = fopen(whole, "re")))
        return false;
    while (!found && fgets(line, sizeof line, file))
        if (strncmp(line, key, len) == 0) {
            *value = (int64_t)strtoull(line + len, NULL, base);
            found = true;
        }
    fclose(file);
    return found;
}

/* Threads of all users: "0.00 0.01 0.05 running/all last-pid". */
static bool all_threads(const char *root, int64_t *n)
{
    char line[LINE_BYTES];
    const char *slash = first_line(root, "/proc/loadavg", line) ? strchr(line, '/') : NULL;

    if (!slash)
        return false;
    *n = strtoll(slash + 1, NULL, 10);
    return true;
}

/* Threads of this user, as far as /proc shows them. */
static int64_t user_threads(const char *root)
{
    char path[PATH_BYTES];
    int64_t sum = 0, uid, n;
    struct dirent *e;
    DIR *dir;

    snprintf(path, sizeof path, "%s/proc", root);
    if (!(dir = opendir(path)))
        return 0;
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] < '0' || e->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%.20s/status", e->d_name);
        if (keyed_number(root, path, "Uid:", 10, &uid) && uid == (int64_t)getuid() &&
            keyed_number(root, path, "Threads:", 10, &n))
            sum += n;
    }
    closedir(dir);
    return sum;
}

/* ---- control groups, version 2: there the first line of the file is "0::/path" ---- */

/* Adds a row for the group and each of those above it that has this limit. */
static void add_groups(const char *root, const char *limit_file, const char *usage_file,
                       struct rows *rows)
{
    char group[LINE_BYTES], usage[PATH_BYTES], name[PATH_BYTES];
    int64_t most, used;

    if (!first_line(root, "/proc/self/cgroup", group) || strncmp(group, "0::/", 4) != 0)
        return;
    for (char *slash = strchr(group, '\0'); slash; slash = strrchr(group, '/')) {
        *slash = '\0';
        snprintf(name, sizeof name, "/sys/fs/cgroup%s/%s", group + 3, limit_file);
        snprintf(usage, sizeof usage, "/sys/fs/cgroup%s/%s", group + 3, usage_file);
        if (file_number(root, name, &most) && file_number(root, usage, &used))
            add(rows, name, most, most - used);
    }
}

/* ---- threads ---- */

static bool is_unbound(const char *root)
{
    int64_t caps = 0;

    return keyed_number(root, "/proc/self/status", "CapEff:", 16, &caps) &&
           ((caps >> CAP_ADMIN | caps >> CAP_RESOURCE) & 1) != 0;
}

static void add_rlimits(const char *root, int64_t stack_bytes, struct rows *rows)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        !is_unbound(root))
        add(rows, "ulimit -u", (int64_t)limit.rlim_cur,
            (int64_t)limit.rlim_cur - user_threads(root));
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        add(rows, "ulimit -v", (int64_t)(limit.rlim_cur >> 10),
            ((int64_t)limit.rlim_cur - SPACE_OWN) / stack_bytes);
}

size_t limits_threads(const char *root, int64_t stack_bytes, struct limit out[LIMITS_MAX])
{
    static const struct {
        const char *name, *path;
    } kernel[] = {
        {"kernel.threads-max", "/proc/sys/kernel/threads-max"},
        {"kernel.pid_max", "/proc/sys/kernel/pid_max"},
    };
    struct rows rows = {out, 0};
    int64_t most, used = 0;

    add_rlimits(root, stack_bytes, &rows);
    add_groups(root, "pids.max", "pids.current", &rows);
    for (size_t i = 0; i < sizeof kernel / sizeof kernel[0]; i++)
        if (file_number(root, kernel[i].path, &most) && all_threads(root, &used))
            add(&rows, kernel[i].name, most, most - used);
    if (file_number(root, "/proc/sys/vm/max_map_count", &most))
        add(&rows, "vm.max_map_count", most, (most - MAPS_OWN) / MAPS_PER_THREAD);
    return rows.n;
}

/* ---- memory ---- */

size_t limits_memory(const char *root, struct limit out[LIMITS_MAX])
{
    struct rows rows = {out, 0};
    int64_t available, total;

    if (keyed_number(root, "/proc/meminfo", "MemAvailable:", 10, &available) &&
        keyed_number(root, "/proc/meminfo", "MemTotal:", 10, &total))
        add(&rows, "MemAvailable", total << 10, available << 10);
    add_groups(root, "memory.max", "memory.current", &rows);
    return rows.n;
}

/* ---- words ---- */

const struct limit *limits_tightest(const struct limit *rows, size_t n)
{
    const struct limit *least = n > 0 ? rows : NULL;

    for (size_t i = 1; i < n; i++)
        if (rows[i].room < least->room)
            least = &rows[i];
    return least;
}

void limits_describe(struct buf *out)
{
    struct limit rows[LIMITS_MAX];
    size_t n = limits_threads("", 1, rows);

    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s%s %" PRId64, out->len > 0 ? ", " : "", rows[i].name, rows[i].most);
}

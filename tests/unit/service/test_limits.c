// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/service/limits.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"

static struct tempdir dir;

static void setup(void)
{
    tempdir_init(&dir, NULL);
}

static void teardown(void)
{
    tempdir_fini(&dir);
}

/* Writes a file of the copy of /proc and /sys, with the folders that it lies in. */
static void put(const char *path, const char *text)
{
    char whole[512];
    FILE *file;

    snprintf(whole, sizeof whole, "%s%s", dir.path, path);
    for (char *slash = strchr(whole + strlen(dir.path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(whole, 0755);
        *slash = '/';
    }
    file = fopen(whole, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

static const struct limit *row(const struct limit *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void kernel_limits(void)
{
    struct limit rows[LIMITS_MAX];
    const struct limit *r;
    size_t n;

    put("/proc/loadavg", "0.00 0.01 0.05 2/300 4711\n");
    put("/proc/sys/kernel/threads-max", "1000\n");
    put("/proc/sys/kernel/pid_max", "500\n");
    put("/proc/sys/vm/max_map_count", "65530\n");
    put("/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
    n = limits_threads(dir.path, 128 << 10, rows);
    r = row(rows, n, "kernel.threads-max");
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    CU_ASSERT_EQUAL(r->most, 1000);
    CU_ASSERT_EQUAL(r->room, 700);
    r = limits_tightest(rows, n);
    CU_ASSERT_STRING_EQUAL(r->name, "kernel.pid_max");
    CU_ASSERT_EQUAL(r->room, 200);
    CU_ASSERT_EQUAL(row(rows, n, "vm.max_map_count")->room, (65530 - 300) / 2);
}

static void control_groups(void)
{
    struct limit rows[LIMITS_MAX];
    size_t n;

    put("/proc/self/cgroup", "0::/a.slice/b.service\n");
    put("/sys/fs/cgroup/a.slice/b.service/pids.max", "max\n");
    put("/sys/fs/cgroup/a.slice/b.service/pids.current", "3\n");
    put("/sys/fs/cgroup/a.slice/pids.max", "40\n");
    put("/sys/fs/cgroup/a.slice/pids.current", "30\n");
    n = limits_threads(dir.path, 128 << 10, rows);
    CU_ASSERT_PTR_NULL(row(rows, n, "/sys/fs/cgroup/a.slice/b.service/pids.max"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(row(rows, n, "/sys/fs/cgroup/a.slice/pids.max"));
    CU_ASSERT_EQUAL(row(rows, n, "/sys/fs/cgroup/a.slice/pids.max")->room, 10);

    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/pids.max", "7\n");
    put("/sys/fs/cgroup/pids.current", "9\n");
    n = limits_threads(dir.path, 128 << 10, rows);
    CU_ASSERT_PTR_NOT_NULL_FATAL(row(rows, n, "/sys/fs/cgroup/pids.max"));
    CU_ASSERT_EQUAL(row(rows, n, "/sys/fs/cgroup/pids.max")->room, 0);
}

/* `ulimit -u` counts the threads of the user, and does not bind who may administer the machine. */
static void processes_of_the_user(void)
{
    struct limit rows[LIMITS_MAX];
    struct rlimit before, few;
    char status[128];
    size_t n, n_root;

    snprintf(status, sizeof status, "Name:\tx\nUid:\t%d\t0\t0\t0\nThreads:\t12\n", (int)getuid());
    put("/proc/17/status", status);
    put("/proc/18/status", "Name:\tx\nUid:\t987654\t0\t0\t0\nThreads:\t100\n");
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NPROC, &before), 0);
    few = before;
    few.rlim_cur = before.rlim_max < 100 ? before.rlim_max : 100;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NPROC, &few), 0);
    put("/proc/self/status", "CapEff:\t0000000001000000\n");
    n_root = limits_threads(dir.path, 128 << 10, rows);
    CU_ASSERT_PTR_NULL(row(rows, n_root, "ulimit -u"));
    put("/proc/self/status", "CapEff:\t0000000000000000\n");
    n = limits_threads(dir.path, 128 << 10, rows);
    setrlimit(RLIMIT_NPROC, &before);
    CU_ASSERT_PTR_NOT_NULL_FATAL(row(rows, n, "ulimit -u"));
    CU_ASSERT_EQUAL(row(rows, n, "ulimit -u")->most, (int64_t)few.rlim_cur);
    CU_ASSERT_EQUAL(row(rows, n, "ulimit -u")->room, (int64_t)few.rlim_cur - 12);
}

static void memory(void)
{
    struct limit rows[LIMITS_MAX];
    size_t n;

    put("/proc/meminfo", "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\n");
    n = limits_memory(dir.path, rows);
    CU_ASSERT_EQUAL_FATAL(n, 1);
    CU_ASSERT_EQUAL(rows[0].room, 1 << 20);
    put("/proc/self/cgroup", "0::/x\n");
    put("/sys/fs/cgroup/x/memory.max", "500000\n");
    put("/sys/fs/cgroup/x/memory.current", "100000\n");
    n = limits_memory(dir.path, rows);
    CU_ASSERT_EQUAL_FATAL(n, 2);
    CU_ASSERT_STRING_EQUAL(limits_tightest(rows, n)->name, "/sys/fs/cgroup/x/memory.max");
    CU_ASSERT_EQUAL(limits_tightest(rows, n)->room, 400000);
    CU_ASSERT_PTR_NULL(limits_tightest(rows, 0));
}

static void this_machine(void)
{
    struct buf text = BUF_INIT(0);
    struct limit rows[LIMITS_MAX];
    size_t n = limits_threads("", 128 << 10, rows);

    CU_ASSERT_TRUE(n > 0);
    CU_ASSERT_TRUE(limits_tightest(rows, n)->room > 0);
    CU_ASSERT_TRUE(limits_memory("", rows) > 0);
    limits_describe(&text);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&text), "kernel.threads-max "));
    buf_fini(&text);
}

static const struct suite_test tests[] = {
    {"what is used of the kernel's limits is taken off", kernel_limits},
    {"a group of control above ours binds as well", control_groups},
    {"ulimit -u counts the user's threads and spares administrators", processes_of_the_user},
    {"memory is what is available, or less in a control group", memory},
    {"this machine has limits", this_machine},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "limits", tests, SUITE_COUNT(tests), setup, teardown);
}

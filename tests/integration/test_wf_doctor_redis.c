// SPDX-License-Identifier: MIT
/* wf doctor and Faktory's Redis: does it keep what it stores, does it hang, is it in Faktory's
 * place; and an installation in which all is as it should be. */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fault/delay_line.h"
#include "tests/integration/wf_fixture.h"
#include "tests/support/wait.h"

enum { REWRITE_MS = 20000 };

/* The path of the socket, which a Faktory of the harness has in its own folder. */
static bool redis_socket(struct faktory_server *s, struct sockaddr_un *address)
{
    char line[512], path[64];
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)process_pid(faktory_server_process(s)));
    if (!(file = fopen(path, "re")))
        return false;
    n = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[n] = '\0';
    for (size_t at = 0; at < n; at += strlen(line + at) + 1)
        if (strcmp(line + at, "-d") == 0) {
            address->sun_family = AF_UNIX;
            snprintf(address->sun_path, sizeof address->sun_path, "%s/redis.sock", line + at + 3);
            return true;
        }
    return false;
}

/* One command to Redis; false when its answer does not hold the text. */
static bool ask_redis(const struct sockaddr_un *address, const char *command, const char *wanted)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[4096] = "";
    ssize_t n = -1;

    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 &&
        write(fd, command, strlen(command)) == (ssize_t)strlen(command))
        n = read(fd, answer, sizeof answer - 1); /* small, so it comes in one piece */
    if (fd >= 0)
        close(fd);
    return n > 0 && strstr(answer, wanted) != NULL;
}

static bool is_written(void *arg)
{
    return ask_redis(arg, "INFO persistence\r\n", "aof_rewrite_in_progress:0\r\n") &&
           ask_redis(arg, "INFO persistence\r\n", "aof_rewrite_scheduled:0\r\n");
}

/* Switches the append-only file on, and waits until it is there: before that Redis does not end. */
static bool switch_on(struct sockaddr_un *address)
{
    return ask_redis(address, "CONFIG SET appendonly yes\r\n", "+OK") &&
           wait_until(is_written, address, REWRITE_MS);
}

static void append_only(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);
    struct sockaddr_un redis = {0};
    const char *told[] = {"doctor", "--only", "storage", "--redis-socket", redis.sun_path, NULL};
    const char *lost[] = {"doctor", "--only", "storage", "--redis-socket", "/nowhere/s", NULL};
    struct delay_line *line;

    if (!s)
        return;
    CU_ASSERT_TRUE_FATAL(redis_socket(s, &redis));
    CU_ASSERT_EQUAL(wf_doctor(faktory_server_url(s), "storage", NULL), 1);
    CU_ASSERT_TRUE(wf_says("snapshots only (appendonly no)"));
    CU_ASSERT_TRUE(wf_says(redis.sun_path));
    CU_ASSERT_TRUE_FATAL(switch_on(&redis));
    CU_ASSERT_EQUAL(wf_doctor(faktory_server_url(s), "storage", NULL), 0);
    CU_ASSERT_TRUE(wf_says("appends every write"));
    CU_ASSERT_EQUAL(wf_run(faktory_server_url(s), NULL, told), 0);
    CU_ASSERT_EQUAL(wf_run(faktory_server_url(s), NULL, lost), 2);
    CU_ASSERT_TRUE(wf_says("No such file"));
    /* behind something that is not Faktory, its Redis cannot be seen */
    line = delay_line_start(faktory_server_port(s), 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    CU_ASSERT_EQUAL(wf_doctor(delay_line_url(line), "storage", NULL), 1);
    CU_ASSERT_TRUE(wf_says("cannot be seen from here"));
    delay_line_free(line);
    faktory_server_free(s);
}

static bool is_a_redis(void *url)
{
    return wf_doctor(url, "faktory", NULL) == 2 && strstr(wf_said, "is a Redis") != NULL;
}

static void redis_in_its_place(void)
{
    char url[64], port[16];
    const char *argv[] = {"/usr/bin/env", "redis-server", "--bind", "127.0.0.1", "--port",
                          port,           "--save",       "",       NULL};
    struct process_options options = {.argv = argv, .log_path = "/dev/null"};
    struct process *redis;
    int free = free_port();

    snprintf(port, sizeof port, "%d", free);
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", free);
    redis = process_start(&options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(redis);
    CU_ASSERT_TRUE(wait_until(is_a_redis, url, REWRITE_MS));
    CU_ASSERT_TRUE(wf_says("What listens there is a Redis"));
    process_free(redis);
}

/* Faktory is there, shakes hands, and waits for its Redis. */
static void redis_that_hangs(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);

    if (!s)
        return;
    CU_ASSERT_EQUAL(faktory_server_pause(s, FAKTORY_REDIS), 0);
    CU_ASSERT_EQUAL(wf_doctor(faktory_server_url(s), "faktory,storage", NULL), 2);
    CU_ASSERT_TRUE(wf_says("does not get its work done"));
    CU_ASSERT_EQUAL(faktory_server_resume(s, FAKTORY_REDIS), 0);
    faktory_server_free(s);
}

static void whole_installation(void)
{
    struct faktory_server *s = faktory_server_for_test(NULL);
    struct service *api;
    char named[64];
    const char *env[] = {named, NULL}, *all[] = {"doctor", NULL};
    struct sockaddr_un redis = {0};

    if (!s)
        return;
    api = service_start_api(s, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(api);
    snprintf(named, sizeof named, "WF_API_URL=http://127.0.0.1:%d", service_port(api));
    CU_ASSERT_EQUAL(wf_doctor(faktory_server_url(s), "api", env), 0);
    CU_ASSERT_TRUE(redis_socket(s, &redis) && switch_on(&redis));
    CU_ASSERT_EQUAL(wf_run(faktory_server_url(s), env, all), 0);
    CU_ASSERT_PTR_NULL(strstr(wf_said, "->"));
    service_stop(api);
    service_free(api);
    CU_ASSERT_EQUAL(wf_doctor(faktory_server_url(s), "api", env), 2);
    CU_ASSERT_TRUE(wf_says("Start api-service"));
    faktory_server_free(s);
}

static const struct suite_test tests[] = {
    {"a Redis in Faktory's place is told apart", redis_in_its_place},
    {"a Faktory whose Redis hangs is found", redis_that_hangs},
    {"a Redis without an append-only file is found, and one with it", append_only},
    {"a sound installation has nothing to change, an API that is away is found",
     whole_installation},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "wf_doctor_redis", tests, SUITE_COUNT(tests), NULL, NULL);
}

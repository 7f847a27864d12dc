// SPDX-License-Identifier: MIT
/* wf workers against real ones. */
#include "tests/integration/wf_fixture.h"
#include "tests/support/wait.h"

enum { PORT_MS = 20000, DONE_MS = 20000 };

static struct faktory_server *server;

static void teardown(void)
{
    faktory_server_free(server);
    server = NULL;
}

static struct service *start_worker(void)
{
    static const char *const env[] = {"WORKER_CONCURRENCY=7", "WORKER_CONNECTIONS=2", NULL};
    struct err_text why = {""};
    struct service *w = NULL;

    if (!(server = faktory_server_for_test(NULL)))
        return NULL;
    w = service_start_worker(server, env, &why);
    if (!w) {
        CU_FAIL("no worker");
        printf("%s\n", why.text);
    }
    return w;
}

static bool all_done(const struct faktory_info *info, void *arg)
{
    (void)arg;
    return info->total_processed == 3;
}

/* With both lanes and all settlers, and none of the threads still about to leave its job. */
static bool at_rest(void *address)
{
    const char *json[] = {"workers", "--json", address, NULL};

    return wf_run(NULL, NULL, json) == 0 && strstr(wf_said, "\"threads_busy\":0,") &&
           strstr(wf_said, "\"connections_up\":8,");
}

static void shows_workers(void)
{
    struct service *w = start_worker();
    char address[64], url[64], away[64];
    const char *args[] = {"workers", address, url, NULL};
    const char *json[] = {"workers", "--json", address, NULL};
    const char *lost[] = {"workers", address, away, NULL};
    const char *lost_json[] = {"workers", "-j", away, NULL};

    if (!w)
        return;
    for (int i = 0; i < 3; i++) {
        char job[200];

        snprintf(job, sizeof job,
                 "{\"jid\":\"job-number-%d\",\"jobtype\":\"math_add\",\"queue\":\"default\","
                 "\"retry\":0,\"args\":[{\"a\":1,\"b\":2}]}",
                 i);
        CU_ASSERT_EQUAL(faktory_server_push(server, job, NULL), 0);
    }
    CU_ASSERT_TRUE(faktory_server_wait(server, all_done, NULL, DONE_MS, NULL));
    snprintf(address, sizeof address, "127.0.0.1:%d", service_port(w));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/metrics", service_port(w));
    snprintf(away, sizeof away, "127.0.0.1:%d", free_port());
    CU_ASSERT_TRUE(wait_until(at_rest, address, DONE_MS));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, args), 0);
    CU_ASSERT_TRUE(wf_says("WINDOWS"));
    CU_ASSERT_TRUE(wf_says("0/7"));
    CU_ASSERT_TRUE(wf_says(url));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, json), 0);
    CU_ASSERT_TRUE(wf_says("\"reached\":true,\"error\":null,\"threads\":7,\"threads_busy\":0,"));
    CU_ASSERT_TRUE(wf_says("\"jobs_done\":3,\"jobs_failed\":0,"));
    CU_ASSERT_TRUE(wf_says("\"connections\":8,\"connections_up\":8,"));
    CU_ASSERT_TRUE(wf_says("\"windows\":["));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, lost), 1);
    CU_ASSERT_TRUE(wf_says("away"));
    CU_ASSERT_TRUE(wf_says("0/7"));
    CU_ASSERT_TRUE(wf_says("WORKER_METRICS_ADDR is where a worker answers"));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, lost_json), 1);
    CU_ASSERT_TRUE(wf_says("\"reached\":false,\"error\":\""));
    service_stop(w);
    service_free(w);
}

/* The API has metrics, too, and is no worker. */
static void knows_others(void)
{
    static const char *const none[] = {"WORKER_METRICS_ADDR", NULL};
    const char *bare[] = {"workers", NULL};
    struct service *w = start_worker(), *api;
    char address[64], env[64];
    const char *args[] = {"workers", address, NULL}, *here[] = {env, NULL};

    if (!w)
        return;
    api = service_start_api(server, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(api);
    snprintf(address, sizeof address, "127.0.0.1:%d", service_port(api));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, args), 1);
    CU_ASSERT_TRUE(wf_says("not those of worker-service"));
    CU_ASSERT_EQUAL(wf_run(NULL, none, bare), 2);
    CU_ASSERT_TRUE(wf_says("which workers?"));
    snprintf(env, sizeof env, "WORKER_METRICS_ADDR=127.0.0.1:%d", service_port(w));
    CU_ASSERT_EQUAL(wf_run(NULL, here, bare), 0);
    service_stop(api);
    service_free(api);
    service_stop(w);
    service_free(w);
}

static const struct suite_test tests[] = {
    {"workers are shown, with those that are away", shows_workers},
    {"what is no worker is told apart, and workers can be named by the setting", knows_others},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "wf_workers", tests, SUITE_COUNT(tests), NULL, teardown);
}

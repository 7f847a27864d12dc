// SPDX-License-Identifier: MIT
/*
 * wf doctor against what it is to find. Real Faktorys, real limits and a real delay; a scripted
 * peer only for what a real one cannot show: another version, another time, TLS without a
 * certificate.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "tests/fault/delay_line.h"
#include "tests/fault/peer.h"
#include "tests/integration/wf_fixture.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { HOUR_MS = 3600000, SOUND_MS = 30000 };

/* ---- Faktory ---- */

static void no_faktory(void)
{
    const char *args[] = {"doctor", "--skip", "api", NULL};
    const char *json[] = {"doctor", "--json", "--only", "faktory,clock", NULL};
    char url[64];

    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", free_port());
    CU_ASSERT_EQUAL(wf_run(url, NULL, args), 2);
    CU_ASSERT_TRUE(wf_says("broken  faktory"));
    CU_ASSERT_TRUE(wf_says("Connection refused"));
    CU_ASSERT_TRUE(wf_says("Start Faktory there"));
    CU_ASSERT_TRUE(wf_says("not looked at without Faktory: \"version\",\"storage\",\"clock\""));
    CU_ASSERT_EQUAL(wf_run(url, NULL, json), 2);
    CU_ASSERT_TRUE(wf_says("{\"result\":\"broken\",\"findings\":[{\"check\":\"faktory\","
                           "\"level\":\"broken\",\"found\":\"tcp://127.0.0.1:"));
    CU_ASSERT_TRUE(wf_says("\"left_out\":[\"clock\"]}"));
}

static void wrong_password(void)
{
    const struct faktory_options options = {.password = "right"};
    struct faktory_server *s = faktory_server_for_test(&options);
    char url[80];

    if (!s)
        return;
    snprintf(url, sizeof url, "tcp://:wrong@127.0.0.1:%d", faktory_server_port(s));
    CU_ASSERT_EQUAL(wf_doctor(url, "faktory", NULL), 2);
    CU_ASSERT_TRUE(wf_says("Invalid password"));
    CU_ASSERT_TRUE(wf_says("Compare the password, in FAKTORY_PASSWORD or in FAKTORY_URL"));
    CU_ASSERT_PTR_NULL(strstr(wf_said, "wrong@"));
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", faktory_server_port(s));
    CU_ASSERT_EQUAL(wf_doctor(url, "faktory", NULL), 2);
    CU_ASSERT_TRUE(wf_says("Faktory wants a password, and FAKTORY_PASSWORD is not set"));
    CU_ASSERT_TRUE(wf_says("Set FAKTORY_PASSWORD to the password of Faktory"));
    CU_ASSERT_EQUAL(wf_doctor(faktory_server_url(s), "faktory,version,connections", NULL), 0);
    CU_ASSERT_TRUE(wf_says("Faktory is version 1.9."));
    CU_ASSERT_TRUE(wf_says("Faktory has 0 of 2000 connections"));
    faktory_server_free(s);
}

static void strangers(void)
{
    const struct faktory_options options = {.web = true};
    /* what a server with TLS says to those who do not speak it: the alert "decode error" */
    static const struct peer_rule tls[] = {
        {.verb = "HI", .bytes = "\x15\x03\x01\x00\x02\x02\x32", .action = PEER_CLOSE}};
    struct peer *peer = peer_start(tls, 1, NULL);
    struct faktory_server *s = faktory_server_for_test(&options);
    char url[64];

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    CU_ASSERT_EQUAL(wf_doctor(peer_url(peer), "faktory", NULL), 2);
    CU_ASSERT_TRUE(wf_says("wants TLS"));
    peer_free(peer);
    if (!s)
        return;
    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", faktory_server_web_port(s));
    CU_ASSERT_EQUAL(wf_doctor(url, "faktory", NULL), 2);
    CU_ASSERT_TRUE(wf_says("is a web server"));
    faktory_server_free(s);
}

/* ---- what Faktory says of itself ---- */

struct saying {
    const char *version;
    int64_t ahead_ms;
};

static void make_info(struct buf *out, const char *line, int nth, void *arg)
{
    const struct saying *says = arg;
    struct buf text = BUF_INIT(0);
    char now[CLOCK_RFC3339_MAX];

    (void)line, (void)nth;
    clock_rfc3339(clock_wall_ms() + says->ahead_ms, now);
    buf_addf(&text,
             "{\"now\":\"%s\",\"server_utc_time\":\"%.8s UTC\",\"faktory\":{\"sets\":{}},"
             "\"server\":{\"faktory_version\":\"%s\",\"connections\":1}}",
             now, now + 11, says->version);
    buf_addf(out, "$%zu\r\n%s\r\n", text.len, buf_str(&text));
    buf_fini(&text);
}

static int doctor_of(struct saying says, const char *check)
{
    struct peer_rule rule = {.verb = "INFO", .make = make_info, .arg = &says};
    struct peer *peer = peer_start(&rule, 1, NULL);
    int code;

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    code = wf_doctor(peer_url(peer), check, NULL);
    peer_free(peer);
    return code;
}

static void wrong_version(void)
{
    CU_ASSERT_EQUAL(doctor_of((struct saying){"1.5.5", 0}, "version"), 2);
    CU_ASSERT_TRUE(wf_says("Faktory is version 1.5.5: it does not know PUSHB"));
    CU_ASSERT_EQUAL(doctor_of((struct saying){"1.10.0", 0}, "version"), 1);
    CU_ASSERT_EQUAL(doctor_of((struct saying){"1.9.4", 0}, "version"), 0);
}

static void clock_off(void)
{
    CU_ASSERT_EQUAL(doctor_of((struct saying){"1.9.4", HOUR_MS}, "clock"), 2);
    CU_ASSERT_TRUE(wf_says("1 h 0 min ahead of this machine's"));
    CU_ASSERT_EQUAL(doctor_of((struct saying){"1.9.4", -HOUR_MS}, "clock"), 2);
    CU_ASSERT_TRUE(wf_says("1 h 0 min behind this machine's"));
    CU_ASSERT_EQUAL(doctor_of((struct saying){"1.9.4", 0}, "clock"), 0);
}

static void too_many_connections(void)
{
    static const struct peer_rule full[] = {
        {.verb = "INFO", .bytes = "-ERR too many connections: 2001\r\n", .action = PEER_CLOSE}};
    struct peer *peer = peer_start(full, 1, NULL);

    CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
    CU_ASSERT_EQUAL(wf_doctor(peer_url(peer), "faktory", NULL), 2);
    CU_ASSERT_TRUE(wf_says("Faktory takes 2000 connections in all"));
    peer_free(peer);
}

/* ---- the way there ---- */

struct sound {
    const char *url, *checks;
    const char *const *env;
};

/* Where the machine pauses during a round trip, that one is long, and worth a word of wf's. */
static bool is_sound(void *arg)
{
    const struct sound *s = arg;

    return wf_doctor(s->url, s->checks, s->env) == 0;
}

static void far_away(void)
{
    static const char *const one_lane[] = {"WORKER_CONNECTIONS=1", NULL};
    static const char *const enough[] = {"WORKER_CONNECTIONS=4", "WORKER_PREFETCH=500", NULL};
    struct faktory_server *s = faktory_server_for_test(NULL);
    struct sound is_far, is_near;
    struct delay_line *line;

    if (!s)
        return;
    line = delay_line_start(faktory_server_port(s), 150);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    CU_ASSERT_EQUAL(wf_doctor(delay_line_url(line), "round-trip", one_lane), 1);
    CU_ASSERT_TRUE(wf_says("The round trip to Faktory is 3"));
    CU_ASSERT_TRUE(wf_says("1 lane with at most 1000 FETCHes"));
    CU_ASSERT_TRUE(wf_says("leave WORKER_CONNECTIONS and WORKER_PREFETCH at auto"));
    is_far = (struct sound){delay_line_url(line), "round-trip", enough};
    CU_ASSERT_TRUE(wait_until(is_sound, &is_far, SOUND_MS));
    delay_line_free(line);
    is_near = (struct sound){faktory_server_url(s), "round-trip,clock", one_lane};
    CU_ASSERT_TRUE(wait_until(is_sound, &is_near, SOUND_MS));
    faktory_server_free(s);
}

/* ---- this machine ---- */

/* `ulimit -u` binds those who are not root; as root the test becomes somebody who has no process.
 */
static void few_threads(void)
{
    char wf[512], url[64];
    const char *build = getenv("WF_BUILD");
    const char *argv[] = {"/usr/bin/prlimit", "--nproc=40", "/usr/bin/setpriv", "--reuid=61237",
                          "--clear-groups",   wf,           "doctor",           "--only",
                          "threads",          NULL};
    const char *plain[] = {"/usr/bin/prlimit", "--nproc=40", wf,  "doctor",
                           "--only",           "threads",    NULL};
    struct tempdir dir = {""};
    char log[TEMPDIR_MAX + 8];
    const char *env[] = {"FAKTORY_*", "WORKER_*", url, NULL};
    struct process_options options = {
        .argv = getuid() == 0 ? argv : plain, .env = env, .log_path = log};
    struct process *p;
    int status = -1;
    char *text;

    if (!build || tempdir_init(&dir, NULL) != 0) {
        suite_skip("WF_BUILD is not set");
        return;
    }
    snprintf(log, sizeof log, "%s/log", dir.path);
    snprintf(wf, sizeof wf, "%s/bin/wf", build);
    snprintf(url, sizeof url, "FAKTORY_URL=tcp://127.0.0.1:%d", free_port());
    p = process_start(&options, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_EQUAL(process_wait(p, WF_RUN_MS, &status), 0);
    text = process_output(p);
    snprintf(wf_said, sizeof wf_said, "%s", text ? text : "");
    free(text);
    process_free(p);
    tempdir_fini(&dir);
    CU_ASSERT_EQUAL(status, 2);
    CU_ASSERT_TRUE(wf_says("ulimit -u 40 leaves room for"));
    CU_ASSERT_TRUE(wf_says("LimitNPROC="));
}

static void enough_threads(void)
{
    static const char *const many[] = {"WORKER_CONCURRENCY=10000", NULL};
    char url[64];

    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", free_port());
    CU_ASSERT_EQUAL(wf_doctor(url, "threads", NULL), 0);
    CU_ASSERT_TRUE(wf_says("A worker takes 56 threads (WORKER_CONCURRENCY=50)"));
    CU_ASSERT_TRUE(wf_doctor(url, "threads", many) >= 0);
    CU_ASSERT_TRUE(wf_says("A worker takes 10006 threads"));
}

static void settings(void)
{
    static const char *const bad[] = {"WORKER_CONCURRENCY=none", "BATCH_MAX_SIZ=5", NULL};
    char url[64];

    snprintf(url, sizeof url, "tcp://127.0.0.1:%d", free_port());
    CU_ASSERT_EQUAL(wf_doctor(url, "settings", bad), 2);
    CU_ASSERT_TRUE(wf_says("WORKER_CONCURRENCY=\"none\": expected a whole number"));
    CU_ASSERT_TRUE(wf_says("Is BATCH_MAX_SIZE meant?"));
}

/* ---- the command line ---- */

static void wrong_use(void)
{
    static const char *const check[] = {"doctor", "--only", "clock,nose", NULL};
    static const char *const rate[] = {"doctor", "--rate", "many", NULL};
    static const char *const list[] = {"doctor", "--list", NULL};

    CU_ASSERT_EQUAL(wf_run(NULL, NULL, check), 2);
    CU_ASSERT_TRUE(wf_says("there is no check \"nose\""));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, rate), 2);
    CU_ASSERT_TRUE(wf_says("--rate \"many\": expected a whole number"));
    CU_ASSERT_EQUAL(wf_run(NULL, NULL, list), 0);
    CU_ASSERT_TRUE(wf_says("round-trip "));
}

static const struct suite_test tests[] = {
    {"no Faktory is found, and what depends on it is left out", no_faktory},
    {"a wrong password is found, and a missing one, and neither is printed", wrong_password},
    {"TLS and a web page in Faktory's place are told apart", strangers},
    {"a version that is too old is found, and one that is too new", wrong_version},
    {"a clock an hour off is found, either way", clock_off},
    {"a Faktory that has all its connections is found", too_many_connections},
    {"300 ms round trip with one lane is found", far_away},
    {"a thread limit below WORKER_CONCURRENCY is found", few_threads},
    {"threads that fit are said to", enough_threads},
    {"bad settings of the services are found, and misspelt ones", settings},
    {"wrong options are refused, and checks can be listed", wrong_use},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "wf_doctor", tests, SUITE_COUNT(tests), NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* The checks of wf doctor over facts that are made up: each limit from both sides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/wf/doctor.h"
#include "tools/wf/redis_look.h"

static struct doctor_facts facts;
static struct doctor_report report;

static void setup(void)
{
    memset(&facts, 0, sizeof facts);
    memset(&report, 0, sizeof report);
    facts.settings.rate = 5000;
    facts.settings.workers = 1;
    facts.settings.worker.concurrency = 50;
    facts.settings.worker.connections = ENV_AUTO;
    facts.settings.worker.prefetch = ENV_AUTO;
    facts.settings.worker.faktory.net.connect_ms = 5000;
    facts.settings.api.connections = 4;
    facts.settings.api.connections_max = 4096;
}

static void teardown(void)
{
    doctor_report_fini(&report);
    buf_fini(&facts.settings.errors);
    buf_fini(&facts.settings.typos);
}

/* Runs one check; the worst of what it says, and all its words in `said`. */
static char said[4096];

static enum doctor_level run(const char *name)
{
    size_t at = 0;

    doctor_report_fini(&report);
    for (size_t i = 0; i < doctor_checks_n; i++)
        if (strcmp(doctor_checks[i].name, name) == 0) {
            report.check = name;
            doctor_checks[i].run(&facts, &report);
        }
    CU_ASSERT_TRUE_FATAL(report.n > 0);
    said[0] = '\0';
    for (size_t i = 0; i < report.n && at < sizeof said; i++) {
        const struct doctor_finding *f = &report.findings[i];

        CU_ASSERT_STRING_EQUAL(f->check, name);
        CU_ASSERT_EQUAL(f->level == DOCTOR_OK, f->change[0] == '\0');
        at += (size_t)snprintf(said + at, sizeof said - at, "%s %s ", f->found, f->change);
    }
    return doctor_worst(&report);
}

static bool says(const char *text)
{
    if (!strstr(said, text))
        printf("\"%s\" is not in: %s\n", text, said);
    return strstr(said, text) != NULL;
}

static void versions(void)
{
    static const struct {
        const char *version;
        enum doctor_level level;
        const char *word;
    } cases[] = {
        {"1.9.4", DOCTOR_OK, "1.9.4"},
        {"1.9.2", DOCTOR_OK, "1.9.2"},
        {"1.9.1", DOCTOR_BROKEN, "LATENCY"},
        {"1.6.0", DOCTOR_BROKEN, "LATENCY"},
        {"1.5.5", DOCTOR_BROKEN, "PUSHB"},
        {"0.9.6", DOCTOR_BROKEN, "PUSHB"},
        {"1.10.0", DOCTOR_ADVICE, "invisible"},
        {"2.0.0", DOCTOR_ADVICE, "newer"},
        {"", DOCTOR_ADVICE, "1.9"},
        {"latest", DOCTOR_ADVICE, "latest"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(facts.server.version, sizeof facts.server.version, "%s", cases[i].version);
        CU_ASSERT_EQUAL(run("version"), cases[i].level);
        CU_ASSERT_TRUE(says(cases[i].word));
    }
}

static void clocks(void)
{
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_ADVICE);
    facts.server.has_clock = true;
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_OK);
    facts.server.ahead_ms = 900;
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_OK);
    facts.server.ahead_ms = -1900;
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("1.900 s behind"));
    facts.server.rtt_us = 1000000; /* half of it is how wrong the comparison may be */
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_OK);
    facts.server.ahead_ms = 3600123;
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("1 h 0 min ahead"));
    facts.server.ahead_ms = -3599900;
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("1 h 0 min behind"));
    facts.server.ahead_ms = 61000;
    CU_ASSERT_EQUAL(run("clock"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("61.000 s ahead"));
}

static void round_trips(void)
{
    facts.server.rtt_us = facts.server.rtt_max_us = 50000;
    CU_ASSERT_EQUAL(run("round-trip"), DOCTOR_OK);
    CU_ASSERT_TRUE(says("2000 FETCHes"));
    facts.settings.worker.connections = 1;
    facts.settings.worker.prefetch = 10;
    CU_ASSERT_EQUAL(run("round-trip"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("no more than 200 jobs/s"));
    CU_ASSERT_TRUE(says("at auto"));
    facts.server.rtt_us = facts.server.rtt_max_us = 300000;
    facts.settings.worker.prefetch = ENV_AUTO;
    CU_ASSERT_EQUAL(run("round-trip"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("no more than 3333 jobs/s"));
    CU_ASSERT_TRUE(says("leave WORKER_CONNECTIONS and WORKER_PREFETCH at auto"));
    facts.settings.worker.connections = 3;
    facts.settings.worker.prefetch = 500;
    CU_ASSERT_EQUAL(run("round-trip"), DOCTOR_OK);
    facts.settings.rate = 100000;
    CU_ASSERT_EQUAL(run("round-trip"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("more lanes, or several workers"));
    facts.settings.rate = 10;
    facts.settings.worker.faktory.net.connect_ms = 500;
    CU_ASSERT_EQUAL(run("round-trip"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("FAKTORY_CONNECTION_TIMEOUT=3s"));
    facts.server.rtt_max_us = 1100000;
    CU_ASSERT_EQUAL(run("round-trip"), DOCTOR_BROKEN);
}

static void connections(void)
{
    facts.server.connections = 1 + 100;
    facts.server.rtt_us = 500;
    CU_ASSERT_EQUAL(run("connections"), DOCTOR_OK);
    CU_ASSERT_TRUE(says("100 of 2000"));
    facts.settings.workers = 110; /* of 16 each, so near; far it is 8 */
    CU_ASSERT_EQUAL(run("connections"), DOCTOR_ADVICE);
    facts.server.rtt_us = 50000;
    CU_ASSERT_EQUAL(run("connections"), DOCTOR_OK);
    facts.settings.workers = 200; /* of 8 each */
    CU_ASSERT_EQUAL(run("connections"), DOCTOR_ADVICE);
    facts.settings.workers = 237; /* 100 + 4 + 1896 = 2000: the last that fits */
    CU_ASSERT_EQUAL(run("connections"), DOCTOR_ADVICE);
    facts.settings.workers = 238;
    CU_ASSERT_EQUAL(run("connections"), DOCTOR_BROKEN);
    facts.server.connections = -1;
    CU_ASSERT_EQUAL(run("connections"), DOCTOR_ADVICE);
}

static void threads(void)
{
    struct limit *l = facts.machine.threads;

    CU_ASSERT_EQUAL(run("threads"), DOCTOR_ADVICE);
    facts.machine.n_threads = 2;
    l[0] = (struct limit){"kernel.threads-max", 100000, 90000};
    l[1] = (struct limit){"ulimit -u", 100, 56}; /* 50 and 6 others */
    CU_ASSERT_EQUAL(run("threads"), DOCTOR_OK);
    l[1].room = 55;
    CU_ASSERT_EQUAL(run("threads"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("ulimit -u 100 leaves room for 55"));
    CU_ASSERT_TRUE(says("LimitNPROC"));
    CU_ASSERT_TRUE(says("WORKER_CONCURRENCY=49 or less"));
    snprintf(l[1].name, sizeof l[1].name, "/sys/fs/cgroup/x/pids.max");
    l[1].room = 3;
    CU_ASSERT_EQUAL(run("threads"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("TasksMax"));
    CU_ASSERT_TRUE(says("not even one"));
}

static void memory_and_files(void)
{
    CU_ASSERT_EQUAL(run("memory"), DOCTOR_ADVICE);
    facts.machine.n_memory = 1;
    facts.machine.memory[0] = (struct limit){"MemAvailable", 1LL << 33, 1LL << 32};
    CU_ASSERT_EQUAL(run("memory"), DOCTOR_OK);
    facts.machine.memory[0].room = 16 << 20;
    CU_ASSERT_EQUAL(run("memory"), DOCTOR_ADVICE);
    facts.settings.worker.concurrency = 10000;
    CU_ASSERT_EQUAL(run("memory"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("Lower WORKER_CONCURRENCY"));

    facts.machine.files = -1;
    CU_ASSERT_EQUAL(run("files"), DOCTOR_OK);
    facts.machine.files = 4096 + 128;
    CU_ASSERT_EQUAL(run("files"), DOCTOR_OK);
    facts.machine.files--;
    CU_ASSERT_EQUAL(run("files"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("LimitNOFILE"));
}

static void servers(void)
{
    static const struct {
        int code;
        enum doctor_stranger stranger;
        bool full;
        const char *why, *word;
    } cases[] = {
        {ERR_IO, STRANGER_UNKNOWN, false, "cannot connect: refused", "Start Faktory"},
        {ERR_REFUSED, STRANGER_UNKNOWN, false, "-ERR Invalid password",
         "Compare the password, in FAKTORY_PASSWORD or in FAKTORY_URL"},
        {ERR_REFUSED, STRANGER_UNKNOWN, false,
         "Faktory wants a password, and FAKTORY_PASSWORD is not set", "Set FAKTORY_PASSWORD"},
        {ERR_REFUSED, STRANGER_UNKNOWN, true, "too many connections: 2001", "2000 connections"},
        {ERR_CLOSED, STRANGER_TLS, false, "x", "TLS"},
        {ERR_PROTOCOL, STRANGER_HTTP, false, "x", "7420"},
        {ERR_PROTOCOL, STRANGER_REDIS, false, "x", "Redis"},
        {ERR_TIMEOUT, STRANGER_UNKNOWN, false, "x", "FAKTORY_URL"},
    };

    CU_ASSERT_EQUAL(run("faktory"), DOCTOR_OK);
    facts.server.greeted = true;
    facts.server.code = ERR_REFUSED;
    snprintf(facts.server.why, sizeof facts.server.why, "-ERR context deadline exceeded");
    CU_ASSERT_EQUAL(run("faktory"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("redis.log"));
    facts.server.greeted = false;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        facts.server.code = cases[i].code;
        facts.server.stranger = cases[i].stranger;
        facts.server.full = cases[i].full;
        snprintf(facts.server.why, sizeof facts.server.why, "%s", cases[i].why);
        CU_ASSERT_EQUAL(run("faktory"), DOCTOR_BROKEN);
        CU_ASSERT_TRUE(says(cases[i].why));
        CU_ASSERT_TRUE(says(cases[i].word));
    }
}

static const char persistence[] = "# Persistence\r\nloading:0\r\nrdb_changes_since_last_save:12\r\n"
                                  "rdb_last_bgsave_status:%s\r\naof_enabled:%d\r\n"
                                  "aof_last_write_status:%s\r\n";

static void read_persistence(int aof, const char *rdb, const char *write)
{
    char text[256];
    /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): the table above */
    int n = snprintf(text, sizeof text, persistence, rdb, aof, write);

    CU_ASSERT_EQUAL(redis_look_read(text, (size_t)n, &facts.storage), 0);
}

static void storage(void)
{
    facts.storage.sight = STORAGE_SEEN;
    snprintf(facts.storage.socket, sizeof facts.storage.socket, "/var/x/redis.sock");
    read_persistence(1, "ok", "ok");
    CU_ASSERT_EQUAL(run("storage"), DOCTOR_OK);
    read_persistence(0, "ok", "ok");
    CU_ASSERT_EQUAL(run("storage"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("12 changes"));
    CU_ASSERT_TRUE(says("redis-cli -s /var/x/redis.sock CONFIG SET appendonly yes"));
    CU_ASSERT_TRUE(says("comes up empty"));
    read_persistence(0, "err", "ok");
    CU_ASSERT_EQUAL(run("storage"), DOCTOR_BROKEN);
    read_persistence(1, "ok", "err");
    CU_ASSERT_EQUAL(run("storage"), DOCTOR_BROKEN);
    CU_ASSERT_EQUAL(redis_look_read("aof_enabled:1\r\n", 15, &facts.storage), ERR_PROTOCOL);
    facts.storage.sight = STORAGE_HIDDEN;
    CU_ASSERT_EQUAL(run("storage"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("another user"));
    facts.storage.sight = STORAGE_FAR;
    CU_ASSERT_EQUAL(run("storage"), DOCTOR_ADVICE);
    CU_ASSERT_TRUE(says("another machine"));
    facts.storage.sight = STORAGE_MUTE;
    CU_ASSERT_EQUAL(run("storage"), DOCTOR_BROKEN);
}

static void the_api(void)
{
    facts.api.url = "http://127.0.0.1:3000";
    CU_ASSERT_EQUAL(run("api"), DOCTOR_ADVICE);
    facts.api.named = true;
    CU_ASSERT_EQUAL(run("api"), DOCTOR_BROKEN);
    facts.api.status = 503;
    CU_ASSERT_EQUAL(run("api"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("has no Faktory"));
    facts.api.status = 404;
    CU_ASSERT_EQUAL(run("api"), DOCTOR_BROKEN);
    CU_ASSERT_TRUE(says("Is that api-service?"));
    facts.api.status = 200;
    CU_ASSERT_EQUAL(run("api"), DOCTOR_OK);
}

static void settings(void)
{
    (void)setenv("BATCH_MAX_SIZE", "abc", 1);
    (void)setenv("LOG_LEVEL", "loud", 1); /* both services have it */
    (void)setenv("WORKER_CONCURENCY", "10", 1);
    (void)setenv("FAKTORY_BIN", "x", 1);
    (void)setenv("FAKTORY_PASSWORD", "hunter2", 1); /* a setting, and one that contradicts */
    (void)setenv("FAKTORY_URL", "tcp://:geheim@h", 1);
    (void)setenv("FAKTORY_PASSWORD_FILE", "/x", 1);
    doctor_gather_settings(&facts.settings);
    CU_ASSERT_EQUAL(run("settings"), DOCTOR_BROKEN);
    CU_ASSERT_EQUAL(report.n, 5);
    CU_ASSERT_TRUE(says("BATCH_MAX_SIZE=\"abc\": expected a whole number from 1 to 500"));
    CU_ASSERT_TRUE(says("LOG_LEVEL=\"loud\""));
    CU_ASSERT_TRUE(says("WORKER_CONCURENCY is set"));
    CU_ASSERT_TRUE(says("Is WORKER_CONCURRENCY meant?"));
    CU_ASSERT_TRUE(says("the one of FAKTORY_PASSWORD, which differs"));
    CU_ASSERT_TRUE(says("Is FAKTORY_PASSWORD=/path/of/the/file meant?"));
    for (size_t i = 0; i < report.n; i++) {
        CU_ASSERT_PTR_NULL(strstr(report.findings[i].found, "hunter2"));
        CU_ASSERT_PTR_NULL(strstr(report.findings[i].found, "geheim"));
    }
    teardown();
    setup();
    (void)unsetenv("BATCH_MAX_SIZE");
    (void)unsetenv("LOG_LEVEL");
    (void)unsetenv("WORKER_CONCURENCY");
    (void)unsetenv("FAKTORY_PASSWORD");
    (void)unsetenv("FAKTORY_URL");
    (void)unsetenv("FAKTORY_PASSWORD_FILE");
    doctor_gather_settings(&facts.settings);
    CU_ASSERT_EQUAL(run("settings"), DOCTOR_OK);
    CU_ASSERT_EQUAL(facts.settings.worker.concurrency, 50);
}

static const struct suite_test tests[] = {
    {"a version that lacks what we need is broken, a newer one is unknown", versions},
    {"a clock that is seconds off is advice, an hour off is broken", clocks},
    {"lanes and windows are held against rate and round trip", round_trips},
    {"the connections of services to come count against the limit", connections},
    {"threads that do not fit are found, with the limit and how to raise it", threads},
    {"memory and open files are held against the settings", memory_and_files},
    {"each way not to be Faktory has its own advice", servers},
    {"Redis' own words decide whether it keeps what it stores", storage},
    {"an API that is away is broken only where somebody said that it is there", the_api},
    {"bad values and near misses of names are found, once each", settings},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "doctor", tests, SUITE_COUNT(tests), setup, teardown);
}

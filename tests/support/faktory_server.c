// SPDX-License-Identifier: MIT
#include "tests/support/faktory_server.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/faktory_talk.h"
#include "tests/support/process.h"
#include "tests/support/procfs.h"
#include "tests/support/suite.h"
#include "tests/support/tempdir.h"
#include "tests/support/wait.h"

enum { BOOT_TIMEOUT_MS = 30000, STOP_TIMEOUT_MS = 20000, PORT_ATTEMPTS = 3 };

#define REDIS "redis-server"

struct faktory_server {
    struct tempdir dir;
    struct process *process; /* NULL while it is stopped */
    pid_t redis;             /* started by Faktory, so not our child; 0: none */
    int port, web_port;
    char password[64], given[TEMPDIR_MAX + 32];
    bool production;
    char url[256];
};

const char *faktory_server_missing(void)
{
    const char *bin = getenv("FAKTORY_BIN");

    if (!bin || !*bin)
        return "FAKTORY_BIN is not set; `make check` sets it, by hand it is the path of a faktory";
    if (access(bin, X_OK) != 0)
        return "FAKTORY_BIN is not a program that can be run";
    return NULL;
}

/* The last words of a program that did not start, for the reason. */
static void tell_failure(struct faktory_server *s, struct err_text *why)
{
    char *log = process_output(s->process);
    size_t len = log ? strlen(log) : 0;

    err_set(why, ERR_IO, "faktory did not start: ...%s",
            len > 200 ? log + len - 200 : (log ? log : ""));
    free(log);
}

static bool up_or_ended(void *arg)
{
    struct faktory_server *s = arg;

    return !process_alive(s->process) || procfs_owns_listener(process_pid(s->process), s->port);
}

/*
 * Faktory exits with 0 after an error at boot, so neither its life nor its exit code says anything:
 * what counts is that the listening socket is its own and that it shakes hands.
 */
static int wait_for_boot(struct faktory_server *s, struct err_text *why)
{
    struct faktory_talk *talk;

    wait_until(up_or_ended, s, BOOT_TIMEOUT_MS);
    if (!procfs_owns_listener(process_pid(s->process), s->port)) {
        tell_failure(s, why);
        return ERR_IO;
    }
    s->redis = procfs_child(process_pid(s->process), REDIS);
    if (s->redis == 0)
        return err_set(why, ERR_IO, "faktory runs without a redis-server of its own");
    if (!(talk = faktory_talk_open(s->port, s->password, NULL, why)))
        return ERR_IO;
    faktory_talk_close(talk);
    return 0;
}

static int launch(struct faktory_server *s, struct err_text *why)
{
    char bind[32], web[32], db[TEMPDIR_MAX + 16], conf[TEMPDIR_MAX + 16], log[TEMPDIR_MAX + 16];
    char password[160];
    const char *argv[] = {getenv("FAKTORY_BIN"),
                          "-b",
                          bind,
                          "-w",
                          web,
                          "-e",
                          s->production ? "production" : "development",
                          "-l",
                          "info",
                          "-d",
                          db,
                          "-c",
                          conf,
                          NULL};
    const char *env[] = {"FAKTORY_*", s->password[0] ? password : NULL, NULL};
    struct process_options options = {.argv = argv, .env = env, .log_path = log};
    int code;

    snprintf(bind, sizeof bind, "127.0.0.1:%d", s->port);
    if (s->web_port > 0)
        snprintf(web, sizeof web, "127.0.0.1:%d", s->web_port);
    else
        snprintf(web, sizeof web, ":0"); /* Faktory reads this as: no web page */
    snprintf(db, sizeof db, "%s/db", s->dir.path);
    snprintf(conf, sizeof conf, "%s/conf", s->dir.path);
    snprintf(log, sizeof log, "%s/faktory.log", s->dir.path);
    snprintf(password, sizeof password, "FAKTORY_PASSWORD=%s", s->given);
    if (!(s->process = process_start(&options, why)))
        return ERR_IO;
    if ((code = wait_for_boot(s, why)) != 0)
        faktory_server_kill(s);
    return code;
}

static void write_url(struct faktory_server *s)
{
    char in_url[3 * sizeof s->password] = "";
    size_t n = 0;

    for (const char *c = s->password; *c; c++)
        n += (size_t)snprintf(in_url + n, sizeof in_url - n,
                              isalnum(*c) || *c == '-' ? "%c" : "%%%02x", (unsigned char)*c);
    snprintf(s->url, sizeof s->url, "tcp://%s%s%s127.0.0.1:%d", n > 0 ? ":" : "", in_url,
             n > 0 ? "@" : "", s->port);
}

struct faktory_server *faktory_server_start(const struct faktory_options *o, struct err_text *why)
{
    struct faktory_server *s;
    int code = ERR_IO;

    if (faktory_server_missing()) {
        err_set(why, ERR_ABSENT, "%s", faktory_server_missing());
        return NULL;
    }
    if (!(s = calloc(1, sizeof *s)))
        return NULL;
    if (o && o->password) {
        snprintf(s->password, sizeof s->password, "%s", o->password);
        snprintf(s->given, sizeof s->given, "%s", o->given ? o->given : o->password);
        s->production = o->production;
    }
    /* A free port can be taken by somebody else before Faktory binds it; then take another. */
    for (int i = 0; i < PORT_ATTEMPTS && code != 0; i++) {
        tempdir_fini(&s->dir);
        if (tempdir_init(&s->dir, why) != 0)
            break;
        s->port = free_port();
        s->web_port = o && o->web ? free_port() : 0;
        code = launch(s, why);
    }
    write_url(s);
    if (code == 0)
        return s;
    faktory_server_free(s);
    return NULL;
}

struct faktory_server *faktory_server_for_test(const struct faktory_options *o)
{
    struct err_text why = {""};
    struct faktory_server *s;

    if (faktory_server_missing()) {
        suite_skip(faktory_server_missing());
        return NULL;
    }
    s = faktory_server_start(o, &why);
    CU_ASSERT_PTR_NOT_NULL(s);
    if (!s)
        fprintf(stderr, "%s\n", why.text);
    return s;
}

static bool redis_gone(void *arg)
{
    struct faktory_server *s = arg;

    return procfs_gone(s->redis, REDIS);
}

/* A Redis that lives on would make the next start fail with "redis not booted". */
static int await_redis_end(struct faktory_server *s)
{
    int code = 0;

    if (!wait_until(redis_gone, s, STOP_TIMEOUT_MS)) {
        kill(s->redis, SIGKILL);
        wait_until(redis_gone, s, STOP_TIMEOUT_MS);
        code = ERR_TIMEOUT;
    }
    s->redis = 0;
    return code;
}

static int end(struct faktory_server *s, int signal_number)
{
    int code;

    if (!s->process)
        return 0;
    if (s->redis == 0) /* it may have started one and then failed at boot */
        s->redis = procfs_child(process_pid(s->process), REDIS);
    faktory_server_resume(s, FAKTORY_REDIS);
    faktory_server_resume(s, FAKTORY_ITSELF);
    process_signal(s->process, signal_number);
    code = process_wait(s->process, STOP_TIMEOUT_MS, NULL);
    process_free(s->process);
    s->process = NULL;
    return await_redis_end(s) != 0 ? ERR_TIMEOUT : code;
}

int faktory_server_stop(struct faktory_server *s)
{
    return end(s, SIGTERM);
}

int faktory_server_kill(struct faktory_server *s)
{
    return end(s, SIGKILL);
}

int faktory_server_restart(struct faktory_server *s, struct err_text *why)
{
    if (s->process)
        return err_set(why, ERR_INVALID, "faktory still runs; stop or kill it first");
    return launch(s, why);
}

void faktory_server_free(struct faktory_server *s)
{
    if (!s)
        return;
    faktory_server_kill(s);
    tempdir_fini(&s->dir);
    free(s);
}

static pid_t pid_of(const struct faktory_server *s, enum faktory_part part)
{
    return part == FAKTORY_REDIS ? s->redis : process_pid(s->process);
}

static int signal_part(struct faktory_server *s, enum faktory_part part, int signal_number)
{
    if (!s->process)
        return ERR_ABSENT;
    if (part == FAKTORY_ITSELF)
        return process_signal(s->process, signal_number);
    if (redis_gone(s) || kill(s->redis, signal_number) != 0)
        return ERR_ABSENT;
    return 0;
}

static bool is_stopped(void *arg)
{
    return procfs_stopped(*(pid_t *)arg);
}

int faktory_server_pause(struct faktory_server *s, enum faktory_part part)
{
    int code = signal_part(s, part, SIGSTOP);
    pid_t pid;

    if (code != 0)
        return code;
    pid = pid_of(s, part);
    return wait_until(is_stopped, &pid, STOP_TIMEOUT_MS) ? 0 : ERR_TIMEOUT;
}

int faktory_server_resume(struct faktory_server *s, enum faktory_part part)
{
    return signal_part(s, part, SIGCONT);
}

int faktory_server_port(const struct faktory_server *s)
{
    return s->port;
}

int faktory_server_web_port(const struct faktory_server *s)
{
    return s->web_port;
}

const char *faktory_server_url(const struct faktory_server *s)
{
    return s->url;
}

const char *faktory_server_password(const struct faktory_server *s)
{
    return s->password;
}

struct process *faktory_server_process(struct faktory_server *s)
{
    return s->process;
}

// SPDX-License-Identifier: MIT
#include "common/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

/* Runs a program to its end; its status, or the error. `said` gets what it printed. */
static int run(const char *const *argv, char **env, char *said, size_t room, struct err_text *why)
{
    int out[2], status = 0;
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    said[0] = '\0';
    CU_ASSERT_EQUAL_FATAL(pipe2(out, O_CLOEXEC), 0);
    pid = spawn_start(&(struct spawn){.argv = argv, .env = env, .output = out[1]}, why);
    close(out[1]);
    while (pid > 0 && len + 1 < room && (n = read(out[0], said + len, room - 1 - len)) > 0)
        said[len += (size_t)n] = '\0';
    close(out[0]);
    if (pid <= 0)
        return (int)pid;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    return spawn_status(status);
}

static int run_shell(const char *script, char *said, size_t room)
{
    char **env = spawn_env(NULL, NULL);
    int status = run((const char *const[]){"sh", "-c", script, NULL}, env, said, room, NULL);

    free(env);
    return status;
}

static void environment_is_changed_in_order(void)
{
    static const char *const changes[] = {"SPAWN_*", "SPAWN_B=2", NULL};
    static const char *const more[] = {"SPAWN_C=3", "SPAWNED", "SPAWN_C=4", NULL};
    static const char *const argv[] = {"sh", "-c", "env | grep ^SPAWN | sort", NULL};
    char said[200], **env;

    setenv("SPAWN_A", "1", 1);
    setenv("SPAWN_B", "1", 1);
    setenv("SPAWNED", "1", 1);
    setenv("SPAWNER", "1", 1);
    env = spawn_env(changes, more);
    CU_ASSERT_PTR_NOT_NULL_FATAL(env);
    CU_ASSERT_EQUAL(run(argv, env, said, sizeof said, NULL), 0);
    CU_ASSERT_STRING_EQUAL(said, "SPAWNER=1\nSPAWN_B=2\nSPAWN_C=4\n");
    free(env);
    unsetenv("SPAWN_A");
    unsetenv("SPAWN_B");
    unsetenv("SPAWNED");
    unsetenv("SPAWNER");
}

static void end_is_told_as_a_shell_does(void)
{
    char said[20];

    CU_ASSERT_EQUAL(run_shell("exit 7", said, sizeof said), 7);
    CU_ASSERT_EQUAL(run_shell("kill -KILL $$", said, sizeof said), 128 + SIGKILL);
}

static void what_cannot_be_run_says_why(void)
{
    static const char *const argv[] = {"/nowhere/program", NULL};
    char said[20], *env[] = {NULL};
    struct err_text why = {""};

    CU_ASSERT_EQUAL(run(argv, env, said, sizeof said, &why), ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "/nowhere/program"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why.text, strerror(ENOENT)));
}

/* A blocked SIGTERM and an open file are what a program would not expect. */
static void nothing_is_inherited_by_accident(void)
{
    char script[120], said[40];
    int file = dup(STDERR_FILENO); /* not close-on-exec */
    sigset_t term, before;

    CU_ASSERT_TRUE_FATAL(file > STDERR_FILENO);
    snprintf(script, sizeof script, "if [ -e /proc/$$/fd/%d ]; then echo open; fi; kill $$; exit 3",
             file);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, &before);
    CU_ASSERT_EQUAL(run_shell(script, said, sizeof said), 128 + SIGTERM);
    CU_ASSERT_STRING_EQUAL(said, "");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(file);
}

static const struct suite_test tests[] = {
    {"the environment is changed in the order of the changes", environment_is_changed_in_order},
    {"the end of a program is told as a shell does", end_is_told_as_a_shell_does},
    {"what cannot be run says why", what_cannot_be_run_says_why},
    {"no open file and no blocked signal is inherited", nothing_is_inherited_by_accident},
};

int main(int argc, char **argv)
{
    return suite_main(argc, argv, "spawn", tests, SUITE_COUNT(tests), NULL, NULL);
}

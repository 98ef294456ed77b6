#pragma once
/*
 * test-swtpm - a TPM 2.0 in software (Debian package swtpm) that a test starts and ends: its state
 * lies in a folder, so that it can be switched off and on.  Where it is not installed tests skip.
 * Include cmocka.h before.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct swtpm {
    char dir[64], tcti[64];
    unsigned port;
    pid_t pid; /* -1: it does not run */
};

static inline bool swtpm_bind(int fd, unsigned port)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return bind(fd, (const struct sockaddr *)&a, sizeof a) == 0;
}

static inline unsigned swtpm_port_of(int fd)
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof a;
    return getsockname(fd, (struct sockaddr *)&a, &len) == 0 ? ntohs(a.sin_port) : 0;
}

/* Two neighbours: swtpm's commands and its control; 0: none found. */
static inline unsigned swtpm_free_ports(void)
{
    for (int i = 0; i < 50; i++) {
        SG_CLOSE int a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        SG_CLOSE int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (a >= 0 && b >= 0 && swtpm_bind(a, 0) && swtpm_port_of(a) < 65535 &&
            swtpm_bind(b, swtpm_port_of(a) + 1))
            return swtpm_port_of(a);
    }
    return 0;
}

static inline bool swtpm_answers(unsigned port)
{
    SG_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof a) == 0;
}

/* Another process: there is no clock of ours to turn. */
static inline bool swtpm_wait(unsigned port)
{
    for (int i = 0; i < 200; i++) {
        if (swtpm_answers(port))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return false;
}

/* What it starts with is in its folder; PCRs are reset. */
static inline void swtpm_on(struct swtpm *t)
{
    char place[96], server[64], control[64];
    t->pid = -1;
    t->port = swtpm_free_ports();
    assert_true(t->port > 0);
    snprintf(place, sizeof place, "dir=%s", t->dir);
    snprintf(server, sizeof server, "type=tcp,port=%u,disconnect", t->port);
    snprintf(control, sizeof control, "type=tcp,port=%u", t->port + 1);
    snprintf(t->tcti, sizeof t->tcti, "swtpm:port=%u", t->port);
    const char *argv[] = {"swtpm",
                          "socket",
                          "--tpm2",
                          "--tpmstate",
                          place,
                          "--server",
                          server,
                          "--ctrl",
                          control,
                          "--flags",
                          "not-need-init,startup-clear",
                          NULL};
    /* Not on our output: whoever reads it would wait for a TPM that a broken test left behind. */
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    const int r =
        posix_spawnp(&t->pid, "swtpm", &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0) {
        t->pid = -1;
        printf("skipped: swtpm is not installed\n");
        return;
    }
    if (swtpm_wait(t->port + 1))
        return;
    printf("skipped: swtpm does not come up\n");
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
    t->pid = -1;
}

static inline void swtpm_off(struct swtpm *t)
{
    if (t->pid > 0) {
        kill(t->pid, SIGTERM);
        waitpid(t->pid, NULL, 0);
    }
    t->pid = -1;
}

static inline void swtpm_new(struct swtpm *t)
{
    *t = (struct swtpm){.dir = "/tmp/sg-test-tpm-XXXXXX", .pid = -1};
    assert_non_null(mkdtemp(t->dir));
    swtpm_on(t);
}

static inline int swtpm_free(struct swtpm *t)
{
    swtpm_off(t);
    return sg_remove_tree(t->dir);
}

/* TPM2_PCR_Extend of the bank of SHA-256, as octets: what any program on the machine can do. */
static inline void swtpm_extend(const struct swtpm *t, unsigned pcr)
{
    uint8_t command[65] = {0x80, 0x02,
                           0,    0,
                           0,    sizeof command,
                           0,    0,
                           0x01, 0x82, /* header */
                           0,    0,
                           0,    (uint8_t)pcr, /* handle */
                           0,    0,
                           0,    9,
                           0x40, 0,
                           0,    0x09,
                           0,    0,
                           0,    0,
                           0, /* no password */
                           0,    0,
                           0,    1,
                           0,    0x0b, /* one digest */
                           0x51, 0x52};
    uint8_t answer[64];
    SG_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)t->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(write(fd, command, sizeof command), sizeof command);
    assert_true(read(fd, answer, sizeof answer) >= 10);
    assert_int_equal(sg_load_be32(answer + 6), 0);
}

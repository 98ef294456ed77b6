#pragma once
/*
 * server - a foreign server program from its Debian package, started for one run on loopback and
 * ended with it.
 *
 * The program runs in a folder of the run, its output goes to FOLDER/NAME.log; it ends when this
 * process does, whatever happens to it.  Nothing is installed or configured outside the folder.
 * One thread; the one that started a server must live as long as it.
 */
#include <sealgrid/base/buf.h>
#include <sealgrid/base/cleanup.h>

struct sg_bench_server;

/* Not measured here, and why: a sentence for sg_bench_skip. */
struct sg_bench_reason {
    char text[512];
};

enum sg_bench_server_outcome {
    SG_BENCH_ABSENT = 1, /* no such program: its package is not installed */
    SG_BENCH_SILENT,     /* it ended, failed, or did not answer in time */
};

struct sg_bench_server_spec {
    const char *name; /* of the log: "redis" */
    const char *const
        *argv; /* argv[0] is looked up in PATH, /usr/sbin and paths; NULL at the end */
    const char *const *paths; /* further folders of programs, NULL at the end; may be NULL */
    const char *folder;       /* exists; the program's working folder */
    const char *user; /* NULL, or who runs it if we are root; folder must be theirs (see give) */
    int wait_ms;      /* until it answers or, sg_bench_server_command, until it ends; 0: 20,000 */
    int stop_signal;  /* asks it to end; 0: SIGTERM */
    /* 0 once it answers; asked every 20 ms. */
    int (*answers)(void *ctx);
    void *ctx;
};

/* Positive outcomes say why in *ret_reason, with the end of the log. */
SG_MUST_USE int sg_bench_server_start(struct sg_bench_server **ret,
                                      const struct sg_bench_server_spec *spec,
                                      struct sg_bench_reason *ret_reason);
/* Asks it to end, and ends it after ten seconds; NULL accepted. */
void sg_bench_server_stop(struct sg_bench_server *s);
SG_DEFINE_FREEP(struct sg_bench_server, sg_bench_server_stop)

/* Runs a program of the same package to its end (initdb, say): SG_BENCH_SILENT if it fails. */
SG_MUST_USE int sg_bench_server_command(const struct sg_bench_server_spec *spec,
                                        struct sg_bench_reason *ret_reason);

/* A port of 127.0.0.1 that nobody uses at this moment. */
SG_MUST_USE int sg_bench_port(uint16_t *ret);
/* Root only, else nothing is done: folder and the files in it become that user's. */
SG_MUST_USE int sg_bench_server_give(const char *folder, const char *user);

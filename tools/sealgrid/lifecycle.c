/*
 * lifecycle - the verbs up, down, status.
 */
#include "deployment.h"
#include "supervise.h"
#include "trust.h"
#include "verbs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/conf.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/json.h>
#include <stdio.h>
#include <sys/wait.h>

static int failed(const char *verb)
{
    fprintf(stderr, "sealgrid %s: %s\n", verb, sg_error_trace());
    return 1;
}

struct up_args {
    char *dir, *backend, *authority;
    int64_t volumes, aggregators;
};

#define ARG(type, member) offsetof(type, member)

int sg_verb_up(int argc, char **argv)
{
    static const struct sg_conf_option options[] = {
        {"dir", SG_CONF_STRING, ARG(struct up_args, dir), NULL, 0, 0, true,
         "folder of the platform"},
        {"volumes", SG_CONF_INT, ARG(struct up_args, volumes), "8", 1, 64, false,
         "local volumes to make"},
        {"aggregators", SG_CONF_INT, ARG(struct up_args, aggregators), "2", 1, 8, false,
         "aggregators to run"},
        {"backend", SG_CONF_STRING, ARG(struct up_args, backend), "local", 0, 0, false,
         "storage: local"},
        {"authority", SG_CONF_STRING, ARG(struct up_args, authority), NULL, 0, 0, false,
         "root certificate of the metrology authority, PEM"},
    };
    static const struct sg_conf_table table = {.program = "sealgrid up",
                                               .summary = "start the platform",
                                               .options = options,
                                               .n = sizeof options / sizeof *options};
    struct up_args a = {0};
    int first, r = sg_conf_parse(&table, argc, argv, &a, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    struct sg_up_options o = {a.dir, (unsigned)a.volumes, (unsigned)a.aggregators, a.backend,
                              a.authority};
    struct sg_deployment d;
    r = sg_deployment_up(&d, &o);
    if (r == 0 && !sg_deployment_has_authority(&d))
        printf(
            "no metrology authority yet, so no authenticators and aggregators: --authority FILE\n");
    if (r == 0)
        printf("Sealgrid runs under %s; `sealgrid env --dir %s` for clients\n", d.dir, d.dir);
    sg_conf_clear(&table, &a);
    return r ? failed("up") : 0;
}

struct dir_args {
    char *dir;
    bool json;
};

static const struct sg_conf_option dir_options[] = {
    {"dir", SG_CONF_STRING, ARG(struct dir_args, dir), NULL, 0, 0, true, "folder of the platform"},
    {"json", SG_CONF_BOOL, ARG(struct dir_args, json), "false", 0, 1, false, "as JSON"},
};

int sg_verb_down(int argc, char **argv)
{
    static const struct sg_conf_table table = {
        .program = "sealgrid down", .summary = "stop the platform", .options = dir_options, .n = 1};
    struct dir_args a = {0};
    int first, r = sg_conf_parse(&table, argc, argv, &a, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    r = sg_supervise_stop(a.dir, 120);
    sg_conf_clear(&table, &a);
    return r ? failed("down") : 0;
}

static void print_state(const struct sg_service *s, const struct sg_service_state *st, bool ready)
{
    printf("%-10s %-8s pid %-7d restarts %u", s->name,
           ready     ? "ready"
           : st->pid ? "starting"
                     : "down",
           st->pid, st->restarts);
    if (st->restarts && WIFSIGNALED(st->last_exit))
        printf(" (last: signal %d)", WTERMSIG(st->last_exit));
    else if (st->restarts)
        printf(" (last: exit %d)", WEXITSTATUS(st->last_exit));
    printf("\n");
}

static int print_states_json(const struct sg_services *s, const struct sg_service_state *st,
                             const bool *ready, int supervisor)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf b = SG_BUF_INIT(65536);
    struct sg_json j;
    sg_json_init(&j, &b);
    sg_json_object(&j);
    sg_json_key(&j, "supervisor");
    sg_json_int(&j, supervisor);
    sg_json_key(&j, "services");
    sg_json_array(&j);
    for (size_t i = 0; i < s->n; i++) {
        sg_json_object(&j);
        sg_json_key(&j, "name");
        sg_json_str(&j, s->item[i].name);
        sg_json_key(&j, "pid");
        sg_json_int(&j, st[i].pid);
        sg_json_key(&j, "ready");
        sg_json_bool(&j, ready[i]);
        sg_json_key(&j, "restarts");
        sg_json_int(&j, st[i].restarts);
        sg_json_end_object(&j);
    }
    sg_json_end_array(&j);
    sg_json_end_object(&j);
    int r = sg_json_done(&j);
    return r ? r : sg_file_write_report("-", sg_buf_bytes(&b));
}

/* Exit 0 when everything is ready. */
static int status(const char *dir, bool json)
{
    struct sg_services s;
    struct sg_service_state st[SG_SERVICES_MAX] = {0};
    bool ready[SG_SERVICES_MAX];
    if (sg_services_read(dir, &s))
        return failed("status");
    int supervisor = sg_supervisor_pid(dir);
    if (supervisor && sg_states_read(dir, st, s.n))
        return failed("status");
    bool all = supervisor != 0;
    for (size_t i = 0; i < s.n; i++)
        all &= ready[i] = supervisor && sg_service_ready(&s.item[i]);
    if (json)
        return print_states_json(&s, st, ready, supervisor) ? failed("status") : !all;
    for (size_t i = 0; i < s.n; i++)
        print_state(&s.item[i], &st[i], ready[i]);
    return !all;
}

int sg_verb_status(int argc, char **argv)
{
    static const struct sg_conf_table table = {
        .program = "sealgrid status", .summary = "what runs", .options = dir_options, .n = 2};
    struct dir_args a = {0};
    int first, r = sg_conf_parse(&table, argc, argv, &a, &first);
    if (r)
        return r == SG_CONF_EXIT ? 0 : 2;
    r = status(a.dir, a.json);
    sg_conf_clear(&table, &a);
    return r;
}

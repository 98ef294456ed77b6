/*
 * demo-evidence - a dishonest clerk edits one reading of an evidence file; the audit must name it.
 */
#include "demo-args.h"
#include "demo.h"

#include <dirent.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/billing/evidence.h>
#include <stdio.h>

#define FILE_BYTES_MAX (64u << 20)

/* One client's evidence and bill, by path. */
struct case_file {
    char client[32], evidence[SG_PATH_MAX], bill[SG_PATH_MAX];
};

static int first_leaf(char ret[SG_PATH_MAX], const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int r = d ? -ENOENT : -errno;
    while (d && r && (e = readdir(d)))
        if (e->d_name[0] != '.') {
            int n = snprintf(ret, SG_PATH_MAX, "%.255s/%.255s", dir, e->d_name);
            r = n < SG_PATH_MAX ? 0 : -ENAMETOOLONG;
        }
    if (d)
        closedir(d);
    return r ? sg_raisef(r, "%s", dir) : 0;
}

/* The two clients with the lowest numbers. */
static int find_cases(const struct sg_demo *m, struct case_file ret[2])
{
    char folder[SG_PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/evidence", m->out);
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort), found = 0, r = 0;
    if (n < 0)
        return sg_raise_errno();
    for (int i = 0; i < n; i++) {
        if (r == 0 && found < 2 && names[i]->d_name[0] != '.') {
            struct case_file *c = &ret[found++];
            char dir[2 * SG_PATH_MAX];
            snprintf(c->client, sizeof c->client, "%.31s", names[i]->d_name);
            snprintf(dir, sizeof dir, "%s/%s", folder, c->client);
            r = first_leaf(c->evidence, dir);
            snprintf(dir, sizeof dir, "%s/bill/%s", m->out, c->client);
            if (r == 0)
                r = first_leaf(c->bill, dir);
        }
        free(names[i]);
    }
    free(names);
    return r ? r : found == 2 ? 0 : sg_raisef(-ENOENT, "%s has fewer than two clients", folder);
}

static int load(const char *path, struct sg_buf *ret)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf packed = SG_BUF_INIT(FILE_BYTES_MAX);
    int r = sg_file_read(path, &packed);
    return r ? r : sg_fold(sg_evidence_unpack(sg_buf_bytes(&packed), ret));
}

enum trick { DROP, DOUBLE, ALTER, FOREIGN };

/* Does it to the middle reading of the block. */
static void play(enum trick trick, struct sg_evidence_block *b,
                 const struct sg_evidence_block *other)
{
    size_t at = b->n_readings / 2;
    struct sg_reading *r = b->readings;
    switch (trick) {
    case DROP:
        memmove(r + at, r + at + 1, (b->n_readings - at - 1) * sizeof *r);
        b->n_readings--;
        break;
    case DOUBLE:
        memmove(r + at + 1, r + at, (b->n_readings - at) * sizeof *r);
        b->n_readings++;
        break;
    case ALTER:
        r[at].field[SG_READING_interval_energy] += 1;
        break;
    case FOREIGN: /* genuine, signed, and of the neighbour's meter */
        *b = *other;
        break;
    }
}

/* Copies the file, the first block changed. */
static int doctor(enum trick trick, struct sg_bytes file, struct sg_bytes other_file,
                  struct sg_buf *ret)
{
    SG_FREE struct sg_evidence_block *b = malloc(sizeof *b), *other = malloc(sizeof *other);
    struct sg_evidence_reader in, other_in;
    struct sg_evidence_head head, other_head;
    if (!b || !other)
        return sg_raise(-ENOMEM);
    int r = sg_fold(sg_evidence_open(&other_in, other_file, &other_head));
    if (r == 0)
        r = sg_fold(sg_evidence_next(&other_in, other));
    if (r == 0)
        r = sg_fold(sg_evidence_open(&in, file, &head));
    if (r == 0)
        r = sg_evidence_put_head(ret, &head);
    for (uint64_t i = 0; r == 0 && i < head.n_blocks; i++) {
        r = sg_fold(sg_evidence_next(&in, b));
        if (r == 0 && i == 0)
            play(trick, b, other);
        if (r == 0)
            r = sg_evidence_put_block(ret, b);
    }
    return r;
}

/* *ret_named: the audit refused the bill and gave this finding. */
static int audit(const struct sg_demo *m, const struct case_file *c, const char *evidence,
                 const char *code, bool *ret_named)
{
    static struct sg_args a;
    sg_args_program(&a, m, "sealgrid-audit");
    sg_arg_option(&a, "bill", c->bill);
    sg_arg_option(&a, "evidence", evidence);
    sg_arg(&a, "--installations");
    sg_arg(&a, "%.440s/installations.json", m->fleet);
    sg_arg(&a, "--keys");
    sg_arg(&a, "%.440s/authority-root.pem", m->fleet);
    sg_arg(&a, "--json");
    json_t *j;
    int status, r = sg_args_run_json_exit(&a, &j, &status);
    if (r)
        return r;
    bool named = false;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(j, "findings"), i, one)
    {
        const char *found = json_string_value(json_object_get(one, "code"));
        named |= found && !strcmp(found, code);
    }
    json_decref(j);
    *ret_named = status == 1 && named;
    return 0;
}

int sg_demo_tamper_evidence(struct sg_demo *m)
{
    static const struct {
        enum trick trick;
        const char *name, *code;
    } tricks[] = {
        {DROP, "evidence_reading_dropped", "reading.missing"},
        {DOUBLE, "evidence_reading_doubled", "reading.duplicated"},
        {ALTER, "evidence_reading_altered", "reading.altered"},
        {FOREIGN, "evidence_reading_foreign", "reading.foreign"},
    };
    struct case_file c[2];
    SG_CLEANUP(sg_buf_clear) struct sg_buf file = SG_BUF_INIT(FILE_BYTES_MAX);
    SG_CLEANUP(sg_buf_clear) struct sg_buf other = SG_BUF_INIT(FILE_BYTES_MAX);
    int r = find_cases(m, c);
    if (r == 0)
        r = load(c[0].evidence, &file);
    if (r == 0)
        r = load(c[1].evidence, &other);
    char path[SG_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/doctored.cbor", m->out);
    for (size_t i = 0; r == 0 && i < sizeof tricks / sizeof *tricks; i++) {
        SG_CLEANUP(sg_buf_clear) struct sg_buf doctored = SG_BUF_INIT(FILE_BYTES_MAX);
        bool named = false;
        r = doctor(tricks[i].trick, sg_buf_bytes(&file), sg_buf_bytes(&other), &doctored);
        if (r == 0)
            r = sg_file_write_atomic(path, sg_buf_bytes(&doctored), 0644);
        if (r == 0)
            r = audit(m, &c[0], path, tricks[i].code, &named);
        if (r == 0)
            sg_demo_tampered(m, tricks[i].name, named);
    }
    return r;
}

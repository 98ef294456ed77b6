#pragma once
/*
 * topology - which transformer feeds whom: CSV with a header, columns customer (or client) and
 * transformer by name, others are not looked at.  A transformer is named as its own meter is in the
 * load: that meter's energy is what it delivers.  A customer has one transformer, a transformer's
 * meter is nobody's customer.  A byte order mark at the beginning is passed over.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>
#include <sealgrid/fraud/days.h>
#include <sealgrid/kv.h>

#include <stdbool.h>
#include <stddef.h>

#define TOPOLOGY_WHY_MAX  160
#define TOPOLOGY_ROWS_MAX ((size_t)10000000) /* 128 octets each while they are read */

struct topology_member {
    char id[SG_FRAUD_ID_MAX + 1];
    size_t group;
    size_t place; /* in the group, from 0; SIZE_MAX: its transformer */
};

struct topology_group {
    char id[SG_FRAUD_ID_MAX + 1]; /* of the transformer's meter */
    size_t customers;
};

struct topology {
    struct topology_member *members; /* by id, transformers among them */
    struct topology_group *groups;   /* by id */
    size_t n_members, n_groups;
    size_t left_out; /* rows of the store: not readable, or at odds with others */
};

enum topology_outcome { TOPOLOGY_BAD = 1 };
/* 0, TOPOLOGY_BAD and why, -errno. */
SG_MUST_USE int topology_read(struct topology *ret, const char *path, char why[TOPOLOGY_WHY_MAX]);
/* At most `rows` of them. */
SG_MUST_USE int topology_parse(struct topology *ret, struct sg_bytes text, size_t rows,
                               char why[TOPOLOGY_WHY_MAX]);
/* The table `topology` of the store: for each client the last row that holds on `day`.  A row that
 * cannot be read, a client's own row if two others name it as their transformer, a row that names a
 * customer, and the rows of a transformer with more customers than can be judged are left out and
 * counted: they must not stop everybody's ranking. */
SG_MUST_USE int topology_from_store(struct topology *ret, struct sg_kv *kv, const int64_t *clients,
                                    size_t n, int32_t day, char why[TOPOLOGY_WHY_MAX]);
void topology_clear(struct topology *t);
const struct topology_member *topology_find(const struct topology *t, const char *id);
/* Names as numbers of the store's clients, a transformer and then its customers, one transformer
 * after the other; the caller frees them.  What is wrong, or NULL. */
const char *topology_clients(const struct topology *t, int64_t **ret, size_t *ret_n);

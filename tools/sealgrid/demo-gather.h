#pragma once
/*
 * demo-gather - what the stage `report` collects, while it collects it.
 */
#include "demo.h"

#include <jansson.h>

#define SG_GATHER_CLASSES_MAX 8

struct sg_gather_customer {
    int64_t number, wh;
    unsigned class;
};

struct sg_gatherer {
    struct sg_demo *m;
    struct sg_http_client *sqld, *kvsd;
    struct sg_json j;
    int64_t from_s;
    struct sg_gather_customer *customers; /* by number */
    size_t n_customers;
    char classes[SG_GATHER_CLASSES_MAX][16];
    size_t n_classes;
    size_t n_done; /* customers whose load was summed */
};

/* demo-gather.c: members "classes", "customers" and "bill" of the page's data, through SQL. */
SG_MUST_USE int sg_gather_loads(struct sg_gatherer *g);
void sg_gather_put_int(struct sg_json *j, const char *key, int64_t v);
void sg_gather_put_str(struct sg_json *j, const char *key, const char *v);
void sg_gather_decref(json_t **j);

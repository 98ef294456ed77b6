#pragma once
/*
 * conf, inside - one option's text becomes its field; shared by command line and YAML file.
 */
#include <sealgrid/base/conf.h>

enum sg_conf_source { SG_CONF_FROM_DEFAULT, SG_CONF_FROM_FILE, SG_CONF_FROM_LINE };

struct sg_conf_state {
    const struct sg_conf_table *table;
    void *conf;                  /* the program's struct */
    enum sg_conf_source *source; /* one per option: who set it last */
};

const struct sg_conf_option *sg_conf_find(const struct sg_conf_table *t, const char *name);
/*
 * Sets or, for a list already set by this source, appends.  A source never overrides a stronger
 * one.  SG_CONF_BAD with the reason in ret_why (a text for people), or -errno.
 */
SG_MUST_USE int sg_conf_set(struct sg_conf_state *s, const struct sg_conf_option *o,
                            const char *text, enum sg_conf_source from, char ret_why[160]);
/* Reads a YAML file; SG_CONF_BAD with the message printed. */
SG_MUST_USE int sg_conf_read_yaml(struct sg_conf_state *s, const char *path);

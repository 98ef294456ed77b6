/* conf-yaml - the YAML file of a program: names from nested mappings, values from scalars. */
#include "conf-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>
#include <sealgrid/base/yaml.h>

#include <stdio.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define NAME_MAX_LEN   256

struct walk {
    struct sg_conf_state *state;
    const char *path;
    bool *given; /* one per option: set by this file already */
};

static int complain(const struct walk *w, const struct sg_yaml_node *at, const char *name,
                    const char *why)
{
    fprintf(stderr, "%s:%u: %s: %s\n", w->path, at->line, name, why);
    return SG_CONF_BAD;
}

static int set_one(struct walk *w, const struct sg_conf_option *o, const struct sg_yaml_node *node)
{
    char why[160];

    if (node->kind != SG_YAML_SCALAR)
        return complain(w, node, o->name, "one value expected");
    int r = sg_conf_set(w->state, o, node->text, SG_CONF_FROM_FILE, why);
    return r == SG_CONF_BAD ? complain(w, node, o->name, why) : r;
}

static int set_option(struct walk *w, const struct sg_conf_option *o,
                      const struct sg_yaml_node *node)
{
    bool *given = &w->given[o - w->state->table->options];
    int r = 0;

    if (*given)
        return complain(w, node, o->name, "given twice");
    *given = true;
    if (node->kind != SG_YAML_SEQUENCE || o->type != SG_CONF_LIST)
        return set_one(w, o, node);
    for (const struct sg_yaml_node *item = node->first; item && !r; item = item->next)
        r = set_one(w, o, item);
    return r;
}

/* Depth is bounded by the document's. */
static int walk_mapping(struct walk *w, const struct sg_yaml_node *mapping, const char *prefix)
{
    int r = 0;

    for (const struct sg_yaml_node *node = mapping->first; node && !r; node = node->next) {
        char name[NAME_MAX_LEN];
        int n = snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", node->key);
        const struct sg_conf_option *o = sg_conf_find(w->state->table, name);
        if (n < 0 || n >= NAME_MAX_LEN)
            r = complain(w, node, prefix, "key too long");
        else if (node->kind == SG_YAML_MAPPING)
            r = walk_mapping(w, node, name);
        else
            r = o ? set_option(w, o, node) : complain(w, node, name, "unknown key");
    }
    return r;
}

/* Nothing but blanks and comments: such a file sets nothing. */
static bool is_empty(struct sg_bytes text)
{
    bool comment = false;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        comment = c == '#' || (comment && c != '\n');
        if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return false;
    }
    return true;
}

static int walk_document(struct sg_conf_state *s, const char *path, const struct sg_yaml *doc)
{
    SG_FREE bool *given = calloc(s->table->n + 1, sizeof(*given));
    struct walk w = {.state = s, .path = path, .given = given};

    if (!given)
        return sg_raise(-ENOMEM);
    if (doc->nodes->kind != SG_YAML_MAPPING)
        return complain(&w, doc->nodes, "(top)", "a mapping of options expected");
    return walk_mapping(&w, doc->nodes, "");
}

int sg_conf_read_yaml(struct sg_conf_state *s, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FILE_MAX_BYTES);
    SG_CLEANUP(sg_yaml_clear) struct sg_yaml doc = {NULL, 0};
    struct sg_yaml_error why;
    int r = sg_file_read(path, &text);

    if (r) {
        fprintf(stderr, "%s: %s\n", path, strerror(-r));
        return SG_CONF_BAD;
    }
    if (is_empty(sg_buf_bytes(&text)))
        return 0;
    r = sg_yaml_parse(&doc, sg_buf_bytes(&text), &why);
    if (r > 0) {
        fprintf(stderr, "%s:%u: %s\n", path, why.line, why.text);
        return SG_CONF_BAD;
    }
    return r ? r : walk_document(s, path, &doc);
}

/* conf-yaml - the YAML file of a program: the adaptor over libyaml. */
#include "conf-int.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/file.h>

#include <stdio.h>
#include <yaml.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define NAME_MAX_LEN   256
#define DEPTH_MAX      8

struct walk {
    struct sg_conf_state *state;
    yaml_document_t *doc;
    const char *path;
    bool *given; /* one per option: set by this file already */
};

static int complain(const struct walk *w, const yaml_node_t *at, const char *name, const char *why)
{
    fprintf(stderr, "%s:%zu: %s: %s\n", w->path, at ? at->start_mark.line + 1 : 1, name, why);
    return SG_CONF_BAD;
}

static const char *scalar_text(const yaml_node_t *node)
{
    /* A NUL inside would hide the rest of the text. */
    if (node->type != YAML_SCALAR_NODE ||
        strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
        return NULL;
    return (const char *)node->data.scalar.value;
}

static int set_one(struct walk *w, const struct sg_conf_option *o, const yaml_node_t *node)
{
    char why[160];
    const char *text = scalar_text(node);

    if (!text)
        return complain(w, node, o->name, "one value expected");
    int r = sg_conf_set(w->state, o, text, SG_CONF_FROM_FILE, why);
    return r == SG_CONF_BAD ? complain(w, node, o->name, why) : r;
}

static int set_option(struct walk *w, const struct sg_conf_option *o, const yaml_node_t *node)
{
    size_t index = (size_t)(o - w->state->table->options);

    if (w->given[index])
        return complain(w, node, o->name, "given twice");
    w->given[index] = true;
    if (node->type != YAML_SEQUENCE_NODE || o->type != SG_CONF_LIST)
        return set_one(w, o, node);
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        int r = set_one(w, o, yaml_document_get_node(w->doc, *i));
        if (r)
            return r;
    }
    return 0;
}

static int walk_mapping(struct walk *w, const yaml_node_t *node, const char *prefix,
                        unsigned depth);

static int walk_pair(struct walk *w, const yaml_node_pair_t *pair, const char *prefix,
                     unsigned depth)
{
    const yaml_node_t *key = yaml_document_get_node(w->doc, pair->key);
    const yaml_node_t *value = yaml_document_get_node(w->doc, pair->value);
    const char *text = scalar_text(key);
    char name[NAME_MAX_LEN];

    if (!text)
        return complain(w, key, prefix, "a key must be a word");
    int n = snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", text);
    if (n < 0 || n >= NAME_MAX_LEN)
        return complain(w, key, prefix, "key too long");
    if (value->type == YAML_MAPPING_NODE)
        return walk_mapping(w, value, name, depth + 1);
    const struct sg_conf_option *o = sg_conf_find(w->state->table, name);
    return o ? set_option(w, o, value) : complain(w, key, name, "unknown key");
}

static int walk_mapping(struct walk *w, const yaml_node_t *node, const char *prefix, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return complain(w, node, prefix, "nested too deep");
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        int r = walk_pair(w, p, prefix, depth);
        if (r)
            return r;
    }
    return 0;
}

/* Aliases are refused while scanning, before a document could share or repeat nodes. */
static int refuse_aliases(const char *path, struct sg_bytes text)
{
    yaml_parser_t parser;
    yaml_event_t event;
    int r = 0;
    bool end = false;

    if (!yaml_parser_initialize(&parser))
        return sg_raise(-ENOMEM);
    yaml_parser_set_input_string(&parser, text.data, text.len);
    while (!r && !end) {
        if (!yaml_parser_parse(&parser, &event)) {
            fprintf(stderr, "%s:%zu: %s\n", path, parser.problem_mark.line + 1,
                    parser.problem ? parser.problem : "not YAML");
            r = SG_CONF_BAD;
            break;
        }
        if (event.type == YAML_ALIAS_EVENT) {
            fprintf(stderr, "%s:%zu: aliases are not supported\n", path, event.start_mark.line + 1);
            r = SG_CONF_BAD;
        }
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return r;
}

static int walk_document(struct sg_conf_state *s, const char *path, yaml_document_t *doc)
{
    struct walk w = {.state = s, .doc = doc, .path = path};
    yaml_node_t *root = yaml_document_get_root_node(doc);
    int r;

    if (!root)
        return 0; /* an empty file sets nothing */
    if (root->type != YAML_MAPPING_NODE)
        return complain(&w, root, "(top)", "a mapping of options expected");
    w.given = calloc(s->table->n + 1, sizeof(*w.given));
    if (!w.given)
        return sg_raise(-ENOMEM);
    r = walk_mapping(&w, root, "", 0);
    free(w.given);
    return r;
}

static int load_document(struct sg_conf_state *s, const char *path, struct sg_bytes text)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    int r;

    if (!yaml_parser_initialize(&parser))
        return sg_raise(-ENOMEM);
    yaml_parser_set_input_string(&parser, text.data, text.len);
    if (!yaml_parser_load(&parser, &doc)) {
        fprintf(stderr, "%s:%zu: %s\n", path, parser.problem_mark.line + 1,
                parser.problem ? parser.problem : "not YAML");
        yaml_parser_delete(&parser);
        return SG_CONF_BAD;
    }
    r = walk_document(s, path, &doc);
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    return r;
}

int sg_conf_read_yaml(struct sg_conf_state *s, const char *path)
{
    SG_CLEANUP(sg_buf_clear) struct sg_buf text = SG_BUF_INIT(FILE_MAX_BYTES);
    int r = sg_file_read(path, &text);

    if (r) {
        fprintf(stderr, "%s: %s\n", path, strerror(-r));
        return SG_CONF_BAD;
    }
    r = refuse_aliases(path, sg_buf_bytes(&text));
    return r ? r : load_document(s, path, sg_buf_bytes(&text));
}

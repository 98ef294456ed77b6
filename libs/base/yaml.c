#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include <sealgrid/base/yaml.h>

struct builder {
    yaml_parser_t parser;
    yaml_event_t event;
    struct sg_yaml tree;
    struct sg_yaml_error *error;
    struct sg_bytes text;
};

int sg_yaml_refuse(struct sg_yaml_error *e, unsigned line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    e->line = line;
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return SG_YAML_BAD;
}

/* Forgets the tree, but not its room. */
static void empty_tree(struct sg_yaml *y)
{
    for (size_t i = 0; i < y->n; i++) {
        free(y->nodes[i].key);
        free(y->nodes[i].text);
    }
    if (y->n)
        memset(y->nodes, 0, y->n * sizeof *y->nodes);
    y->n = 0;
}

void sg_yaml_clear(struct sg_yaml *y)
{
    empty_tree(y);
    free(y->nodes);
    *y = (struct sg_yaml){NULL, 0};
}

struct sg_yaml_node *sg_yaml_get(const struct sg_yaml_node *mapping, const char *key)
{
    for (struct sg_yaml_node *n = mapping->first; n; n = n->next)
        if (n->key && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

static unsigned line_of(const struct builder *b)
{
    return (unsigned)b->event.start_mark.line + 1;
}

/* Of octets that are no text the parser knows the place alone; a key without its colon it notices
 * in a later line. */
static unsigned line_of_problem(const struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    unsigned line = 1;

    if (p->error == YAML_SCANNER_ERROR && p->context &&
        !strcmp(p->context, "while scanning a simple key"))
        return (unsigned)p->context_mark.line + 1;
    if (p->error != YAML_READER_ERROR)
        return (unsigned)p->problem_mark.line + 1;
    for (size_t i = 0; i < p->problem_offset && i < b->text.len; i++)
        line += b->text.data[i] == '\n';
    return line;
}

static int next_event(struct builder *b)
{
    yaml_event_delete(&b->event);
    if (yaml_parser_parse(&b->parser, &b->event))
        return 0;
    memset(&b->event, 0, sizeof b->event);
    return sg_yaml_refuse(b->error, line_of_problem(b), "%s",
                          b->parser.problem ? b->parser.problem : "not YAML");
}

static int expect_event(struct builder *b, yaml_event_type_t type)
{
    int r = next_event(b);
    if (r == 0 && b->event.type != type)
        r = sg_yaml_refuse(b->error, line_of(b), "one YAML document expected");
    return r;
}

static int new_node(struct builder *b, enum sg_yaml_kind kind, struct sg_yaml_node **ret)
{
    if (b->tree.n == SG_YAML_NODES)
        return sg_yaml_refuse(b->error, line_of(b), "more than %d values", SG_YAML_NODES);
    *ret = &b->tree.nodes[b->tree.n++];
    (*ret)->kind = kind;
    (*ret)->line = line_of(b);
    return 0;
}

static void adopt(struct sg_yaml_node *parent, struct sg_yaml_node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->n_children++;
}

/* The current event's scalar, copied. */
static int scalar_text(struct builder *b, char **ret)
{
    const char *value = (const char *)b->event.data.scalar.value;
    if (strlen(value) != b->event.data.scalar.length)
        return sg_yaml_refuse(b->error, line_of(b), "NUL in a text");
    *ret = strdup(value);
    return *ret ? 0 : sg_raise(-ENOMEM);
}

static int refuse_decorations(struct builder *b, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return sg_yaml_refuse(b->error, line_of(b), "anchors are not allowed");
    if (tag)
        return sg_yaml_refuse(b->error, line_of(b), "tags are not allowed");
    return 0;
}

static int take_value(struct builder *b, unsigned depth, struct sg_yaml_node **ret);

static int take_items(struct builder *b, struct sg_yaml_node *sequence, unsigned depth)
{
    for (;;) {
        struct sg_yaml_node *item = NULL;
        int r = next_event(b);
        if (r != 0 || b->event.type == YAML_SEQUENCE_END_EVENT)
            return r;
        r = take_value(b, depth + 1, &item);
        if (r != 0)
            return r;
        adopt(sequence, item);
    }
}

static int take_key(struct builder *b, const struct sg_yaml_node *mapping, char **ret)
{
    if (b->event.type != YAML_SCALAR_EVENT)
        return sg_yaml_refuse(b->error, line_of(b), "a key must be a word");
    int r = refuse_decorations(b, b->event.data.scalar.anchor, b->event.data.scalar.tag);
    if (r == 0)
        r = scalar_text(b, ret);
    if (r == 0 && sg_yaml_get(mapping, *ret))
        r = sg_yaml_refuse(b->error, line_of(b), "%.64s: key given twice", *ret);
    return r;
}

static int take_pairs(struct builder *b, struct sg_yaml_node *mapping, unsigned depth)
{
    for (;;) {
        SG_FREE char *key = NULL;
        struct sg_yaml_node *value = NULL;
        int r = next_event(b);
        if (r != 0 || b->event.type == YAML_MAPPING_END_EVENT)
            return r;
        r = take_key(b, mapping, &key);
        if (r == 0)
            r = next_event(b);
        if (r == 0)
            r = take_value(b, depth + 1, &value);
        if (r != 0)
            return r;
        value->key = TAKE_PTR(key);
        adopt(mapping, value);
    }
}

static int take_scalar(struct builder *b, struct sg_yaml_node **ret)
{
    int r = refuse_decorations(b, b->event.data.scalar.anchor, b->event.data.scalar.tag);
    if (r == 0)
        r = new_node(b, SG_YAML_SCALAR, ret);
    return r ? r : scalar_text(b, &(*ret)->text);
}

/* The value that begins with the current event. */
static int take_value(struct builder *b, unsigned depth, struct sg_yaml_node **ret)
{
    int r;
    if (depth > SG_YAML_DEPTH)
        return sg_yaml_refuse(b->error, line_of(b), "nested too deep");
    switch (b->event.type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(b, ret);
    case YAML_SEQUENCE_START_EVENT:
        r = refuse_decorations(b, b->event.data.sequence_start.anchor,
                               b->event.data.sequence_start.tag);
        if (r == 0)
            r = new_node(b, SG_YAML_SEQUENCE, ret);
        return r ? r : take_items(b, *ret, depth);
    case YAML_MAPPING_START_EVENT:
        r = refuse_decorations(b, b->event.data.mapping_start.anchor,
                               b->event.data.mapping_start.tag);
        if (r == 0)
            r = new_node(b, SG_YAML_MAPPING, ret);
        return r ? r : take_pairs(b, *ret, depth);
    case YAML_ALIAS_EVENT:
        return sg_yaml_refuse(b->error, line_of(b), "aliases are not allowed");
    default:
        return sg_yaml_refuse(b->error, line_of(b), "a value expected");
    }
}

/* Up to the document's first event. */
static int begin_document(struct builder *b)
{
    int r = expect_event(b, YAML_STREAM_START_EVENT);
    if (r == 0)
        r = next_event(b);
    if (r == 0 && b->event.type == YAML_STREAM_END_EVENT)
        return sg_yaml_refuse(b->error, 1, "nothing in it");
    return r ? r : next_event(b);
}

static int end_document(struct builder *b)
{
    int r = expect_event(b, YAML_DOCUMENT_END_EVENT);
    return r ? r : expect_event(b, YAML_STREAM_END_EVENT);
}

static int new_builder(struct builder *b, struct sg_bytes text)
{
    b->tree.nodes = calloc(SG_YAML_NODES, sizeof *b->tree.nodes);
    if (!b->tree.nodes)
        return sg_raise(-ENOMEM);
    if (!yaml_parser_initialize(&b->parser)) {
        free(b->tree.nodes);
        return sg_raise(-ENOMEM);
    }
    b->text = text;
    yaml_parser_set_input_string(&b->parser, text.len ? text.data : (const uint8_t *)"", text.len);
    return 0;
}

static void end_builder(struct builder *b)
{
    yaml_event_delete(&b->event);
    yaml_parser_delete(&b->parser);
}

int sg_yaml_parse(struct sg_yaml *ret, struct sg_bytes text, struct sg_yaml_error *e)
{
    struct builder b = {.error = e};
    struct sg_yaml_node *root;
    int r = new_builder(&b, text);
    if (r != 0)
        return r;
    r = begin_document(&b);
    if (r == 0)
        r = take_value(&b, 0, &root);
    if (r == 0)
        r = end_document(&b);
    end_builder(&b);
    if (r != 0) {
        sg_yaml_clear(&b.tree);
        return r;
    }
    *ret = b.tree;
    return 0;
}

static int each_item(struct builder *b, sg_yaml_item_fn fn, void *user)
{
    if (b->event.type != YAML_SEQUENCE_START_EVENT)
        return sg_yaml_refuse(b->error, line_of(b), "a list expected");
    int r = refuse_decorations(b, b->event.data.sequence_start.anchor,
                               b->event.data.sequence_start.tag);
    if (r == 0)
        r = next_event(b);
    while (r == 0 && b->event.type != YAML_SEQUENCE_END_EVENT) {
        struct sg_yaml_node *item = NULL;
        r = take_value(b, 1, &item);
        if (r == 0)
            r = fn(user, item);
        empty_tree(&b->tree);
        if (r == 0)
            r = next_event(b);
    }
    return r;
}

int sg_yaml_each(struct sg_bytes text, sg_yaml_item_fn fn, void *user, struct sg_yaml_error *e)
{
    struct builder b = {.error = e};
    int r = new_builder(&b, text);
    if (r != 0)
        return r;
    r = begin_document(&b);
    if (r == 0)
        r = each_item(&b, fn, user);
    if (r == 0)
        r = end_document(&b);
    end_builder(&b);
    sg_yaml_clear(&b.tree);
    return r;
}

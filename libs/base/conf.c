/* conf - options from defaults, YAML file and command line. */
#include "conf-int.h"

#include <sealgrid/base/cleanup.h>

#include <limits.h>
#include <stdio.h>

#ifndef SG_VERSION
#define SG_VERSION "0.1.0"
#endif

static void *field_of(const struct sg_conf_option *o, void *conf)
{
    return (char *)conf + o->offset;
}

const struct sg_conf_option *sg_conf_find(const struct sg_conf_table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->options[i].name, name))
            return &t->options[i];
    return NULL;
}

static int set_string(char **field, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return sg_raise(-ENOMEM);
    free(*field);
    *field = copy;
    return 0;
}

static int set_int(const struct sg_conf_option *o, int64_t *field, const char *text, char why[160])
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(text, &end, 10);
    if (!*text || *end || errno == ERANGE) {
        snprintf(why, 160, "not a whole number");
        return SG_CONF_BAD;
    }
    if (v < o->min || v > o->max) {
        snprintf(why, 160, "%lld is out of range %lld..%lld", v, (long long)o->min,
                 (long long)o->max);
        return SG_CONF_BAD;
    }
    *field = v;
    return 0;
}

static int set_bool(bool *field, const char *text, char why[160])
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, yes[i]) && strcmp(text, no[i]))
            continue;
        *field = !strcmp(text, yes[i]);
        return 0;
    }
    snprintf(why, 160, "true or false expected");
    return SG_CONF_BAD;
}

static void clear_list(struct sg_conf_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct sg_conf_list){NULL, 0};
}

static int append_list(struct sg_conf_list *l, const char *text)
{
    SG_FREE char *copy = strdup(text);
    char **items = copy ? reallocarray(l->items, l->n + 1, sizeof(*items)) : NULL;

    if (!items)
        return sg_raise(-ENOMEM);
    l->items = items;
    items[l->n++] = TAKE_PTR(copy);
    return 0;
}

int sg_conf_set(struct sg_conf_state *s, const struct sg_conf_option *o, const char *text,
                enum sg_conf_source from, char ret_why[160])
{
    enum sg_conf_source *source = &s->source[o - s->table->options];
    void *field = field_of(o, s->conf);
    int r = 0;

    if (*source > from)
        return 0;
    switch (o->type) {
    case SG_CONF_STRING:
        r = set_string(field, text);
        break;
    case SG_CONF_INT:
        r = set_int(o, field, text, ret_why);
        break;
    case SG_CONF_BOOL:
        r = set_bool(field, text, ret_why);
        break;
    case SG_CONF_LIST:
        if (*source < from)
            clear_list(field);
        r = append_list(field, text);
        break;
    }
    if (!r)
        *source = from;
    return r;
}

void sg_conf_clear(const struct sg_conf_table *t, void *conf)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct sg_conf_option *o = &t->options[i];
        void *field = field_of(o, conf);
        if (o->type == SG_CONF_LIST) {
            clear_list(field);
        } else if (o->type == SG_CONF_STRING) {
            free(*(char **)field);
            *(char **)field = NULL;
        }
    }
}

static void zero_fields(const struct sg_conf_table *t, void *conf)
{
    static const size_t sizes[] = {[SG_CONF_STRING] = sizeof(char *),
                                   [SG_CONF_INT] = sizeof(int64_t),
                                   [SG_CONF_BOOL] = sizeof(bool),
                                   [SG_CONF_LIST] = sizeof(struct sg_conf_list)};
    for (size_t i = 0; i < t->n; i++)
        memset(field_of(&t->options[i], conf), 0, sizes[t->options[i].type]);
}

static int set_defaults(struct sg_conf_state *s)
{
    char why[160] = "";

    for (size_t i = 0; i < s->table->n; i++) {
        const struct sg_conf_option *o = &s->table->options[i];
        if (!o->def)
            continue;
        int r = sg_conf_set(s, o, o->def, SG_CONF_FROM_DEFAULT, why);
        if (r < 0)
            return r;
        sg_assert(r == 0); /* a default that its own table refuses */
    }
    return 0;
}

static void print_help(const struct sg_conf_table *t)
{
    static const char *const kinds[] = {"TEXT", "N", "", "TEXT..."};

    printf("%s - %s\n\nusage: %s [--option value]...\n\n", t->program, t->summary, t->program);
    for (size_t i = 0; i < t->n; i++) {
        const struct sg_conf_option *o = &t->options[i];
        printf("  --%s%s%s\n        %s", o->name, *kinds[o->type] ? " " : "", kinds[o->type],
               o->help);
        if (o->type == SG_CONF_INT)
            printf(" (%lld..%lld)", (long long)o->min, (long long)o->max);
        if (o->def)
            printf(" [%s]", o->def);
        printf("%s\n", o->required ? " (required)" : "");
    }
    printf("  --conf FILE      read options from a YAML file\n"
           "  --check-conf     read everything, say whether it is right, do nothing\n"
           "  --dump-conf      print the options in force as YAML\n"
           "  --help, --version\n");
}

/* A YAML double-quoted scalar. */
static void dump_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < ' ' || c == 127)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void dump_option(const struct sg_conf_option *o, void *conf)
{
    void *field = field_of(o, conf);
    const struct sg_conf_list *list = field;

    if (o->type == SG_CONF_STRING && !*(char **)field)
        return;
    printf("%s:", o->name);
    switch (o->type) {
    case SG_CONF_STRING:
        putchar(' ');
        dump_text(*(char **)field);
        break;
    case SG_CONF_INT:
        printf(" %lld", (long long)*(int64_t *)field);
        break;
    case SG_CONF_BOOL:
        printf(" %s", *(bool *)field ? "true" : "false");
        break;
    case SG_CONF_LIST:
        if (!list->n)
            printf(" []");
        for (size_t i = 0; i < list->n; i++) {
            printf("\n  - ");
            dump_text(list->items[i]);
        }
        break;
    }
    putchar('\n');
}

/* What the command line asks for besides the options. */
struct line {
    const struct sg_conf_table *table;
    int argc;
    char **argv;
    const char *file;
    bool dump, check;
    int n_positional;
};

static int complain(const struct line *l, const char *name, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", l->table->program, name, why);
    return SG_CONF_BAD;
}

/* The value of the option at argv[*at]: after '=', or the next argument. */
static const char *value_of(const struct line *l, int *at)
{
    const char *equals = strchr(l->argv[*at], '=');
    if (equals)
        return equals + 1;
    return *at + 1 < l->argc ? l->argv[++*at] : NULL;
}

static bool is_word(const char *text)
{
    return !strcmp(text, "true") || !strcmp(text, "false");
}

static int take_option(struct line *l, struct sg_conf_state *s, int *at)
{
    const char *given = l->argv[*at];
    char name[128], why[160];
    size_t n = strcspn(given + 2, "=");

    if (n >= sizeof(name))
        return complain(l, "option", "name too long");
    memcpy(name, given + 2, n);
    name[n] = '\0';
    if (!strcmp(name, "conf")) {
        l->file = value_of(l, at);
        return l->file ? 0 : complain(l, given, "a file name must follow");
    }
    const struct sg_conf_option *o = sg_conf_find(l->table, name);
    if (!o)
        return complain(l, given, "unknown option (--help lists them)");
    const char *value = "true";
    if (o->type != SG_CONF_BOOL || strchr(given, '='))
        value = value_of(l, at);
    else if (*at + 1 < l->argc && is_word(l->argv[*at + 1]))
        value = l->argv[++*at];
    if (!value)
        return complain(l, given, "a value must follow");
    int r = sg_conf_set(s, o, value, SG_CONF_FROM_LINE, why);
    return r == SG_CONF_BAD ? complain(l, given, why) : r;
}

/* The options that end the program at once. */
static bool take_word(struct line *l, const char *given)
{
    if (!strcmp(given, "--help") || !strcmp(given, "-h")) {
        print_help(l->table);
        return true;
    }
    if (!strcmp(given, "--version")) {
        printf("%s " SG_VERSION "\n", l->table->program);
        return true;
    }
    return false;
}

static int scan_line(struct line *l, struct sg_conf_state *s, char **positional)
{
    for (int i = 1; i < l->argc; i++) {
        char *given = l->argv[i];
        int r = 0;
        if (!strcmp(given, "--")) {
            while (++i < l->argc)
                positional[l->n_positional++] = l->argv[i];
            break;
        }
        if (take_word(l, given))
            return SG_CONF_EXIT;
        if (!strcmp(given, "--dump-conf"))
            l->dump = true;
        else if (!strcmp(given, "--check-conf"))
            l->check = true;
        else if (!strncmp(given, "--", 2))
            r = take_option(l, s, &i);
        else
            positional[l->n_positional++] = given;
        if (r)
            return r;
    }
    return 0;
}

/* Moves the positional arguments to the end of argv. */
static int permute(struct line *l, char **positional)
{
    SG_FREE char **others = calloc((size_t)l->argc + 1, sizeof(*others));
    int n = 0, k = 0;

    if (!others)
        return sg_raise(-ENOMEM);
    for (int i = 0; i < l->argc; i++) {
        if (k < l->n_positional && l->argv[i] == positional[k])
            k++;
        else
            others[n++] = l->argv[i];
    }
    memcpy(l->argv, others, (size_t)n * sizeof(*others));
    memcpy(l->argv + n, positional, (size_t)l->n_positional * sizeof(*positional));
    return 0;
}

static int check_required(const struct line *l, const struct sg_conf_state *s)
{
    for (size_t i = 0; i < l->table->n; i++) {
        const struct sg_conf_option *o = &l->table->options[i];
        if (o->required && s->source[i] == SG_CONF_FROM_DEFAULT)
            return complain(l, o->name, "must be given");
    }
    return 0;
}

static int parse(struct line *l, struct sg_conf_state *s, char **positional)
{
    int r = set_defaults(s);
    if (!r)
        r = scan_line(l, s, positional);
    if (!r && l->file)
        r = sg_conf_read_yaml(s, l->file);
    if (!r)
        r = check_required(l, s);
    if (!r && l->table->check)
        r = l->table->check(s->conf);
    if (!r)
        r = permute(l, positional);
    if (r)
        return r;
    if (l->dump)
        for (size_t i = 0; i < l->table->n; i++)
            dump_option(&l->table->options[i], s->conf);
    if (l->check)
        printf("%s: configuration is right\n", l->table->program);
    return l->dump || l->check ? SG_CONF_EXIT : 0;
}

int sg_conf_parse(const struct sg_conf_table *t, int argc, char **argv, void *ret,
                  int *ret_first_arg)
{
    SG_FREE enum sg_conf_source *source = calloc(t->n + 1, sizeof(*source));
    SG_FREE char **positional = calloc((size_t)argc + 1, sizeof(*positional));
    struct sg_conf_state s = {.table = t, .conf = ret, .source = source};
    struct line l = {.table = t, .argc = argc, .argv = argv};
    int r;

    if (!source || !positional)
        return sg_raise(-ENOMEM);
    zero_fields(t, ret);
    r = parse(&l, &s, positional);
    if (r) {
        sg_conf_clear(t, ret);
        return r;
    }
    *ret_first_arg = argc - l.n_positional;
    return 0;
}

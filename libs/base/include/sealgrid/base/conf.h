#pragma once
/*
 * conf - one table per program gives YAML file, command line, --help and --dump-conf.
 *
 * The table is made from the program's X-macro (STYLE, "Logs, configuration").  A YAML file is one
 * flat or nested mapping ("store.volumes" is volumes below store); an unknown key, a value out of
 * range, an alias or a duplicate key is an error that names file, line and key.  Precedence:
 * command line over file over default.  Options never carry secrets.
 */
#include <sealgrid/base/buf.h>

enum sg_conf_type { SG_CONF_STRING, SG_CONF_INT, SG_CONF_BOOL, SG_CONF_LIST };

struct sg_conf_list {
    char **items;
    size_t n;
};

struct sg_conf_option {
    const char *name; /* "listen" or "store.volumes"; --store.volumes on the command line */
    enum sg_conf_type type;
    size_t offset;    /* of char *, int64_t, bool or struct sg_conf_list in the program's struct */
    const char *def;  /* as text; NULL: none */
    int64_t min, max; /* SG_CONF_INT */
    bool required;
    const char *help;
};

struct sg_conf_table {
    const char *program;
    const char *summary;
    const struct sg_conf_option *options;
    size_t n;
    /* NULL, or what ranges cannot say, asked once everything was read (--check-conf too): 0, or
     * SG_CONF_BAD with its own message on standard error, or -errno. */
    int (*check)(const void *conf);
};

/*
 * Handles --help, --version, --dump-conf, --check-conf (prints, returns SG_CONF_EXIT), --conf FILE
 * and --name value / --name=value for every option; --flag alone for booleans.  Positional
 * arguments are left: *ret_first_arg is their index in argv after permutation.
 * 0; SG_CONF_EXIT (done, exit 0); SG_CONF_BAD (message already printed on standard error: exit 2);
 * -errno.
 */
enum sg_conf_outcome { SG_CONF_EXIT = 1, SG_CONF_BAD };
SG_MUST_USE int sg_conf_parse(const struct sg_conf_table *t, int argc, char **argv, void *ret,
                              int *ret_first_arg);
/* Releases the strings and lists of a parsed struct. */
void sg_conf_clear(const struct sg_conf_table *t, void *conf);

/*
 * An X-macro's rows X(KIND, member, name, default, min, max, required, help) as members of the
 * program's struct and as rows of its table:
 *   struct options { OPTIONS(SG_CONF_MEMBER) };
 *   #define ROW(...) SG_CONF_ROW(struct options, __VA_ARGS__)
 *   static const struct sg_conf_option rows[] = {OPTIONS(ROW)};
 */
#define SG_CONF_MEMBER_STRING(name) char *name;
#define SG_CONF_MEMBER_INT(name)    int64_t name;
#define SG_CONF_MEMBER_BOOL(name)   bool name;
#define SG_CONF_MEMBER_LIST(name)   struct sg_conf_list name;
#define SG_CONF_MEMBER(kind, member, name, def, min, max, required, help)                          \
    SG_CONF_MEMBER_##kind(member)
#define SG_CONF_ROW(type, kind, member, name, def, min, max, required, help)                       \
    {name, SG_CONF_##kind, offsetof(type, member), def, min, max, required, help},

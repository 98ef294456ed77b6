/*
 * bench-json FILE: what sealgrid-bench --json wrote is whole: well formed, every suite ran and gave
 * lines, and every line has a positive ratio or the reason why it has none.  Exit 1 with the first
 * line that is not so.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *text(const json_t *of, const char *key)
{
    const char *value = json_string_value(json_object_get(of, key));
    return value ? value : "";
}

static int fail(const json_t *line, const char *why)
{
    fprintf(stderr, "%s, \"%s\": %s\n", text(line, "suite"), text(line, "name"), why);
    return 1;
}

static bool positive(const json_t *of, const char *key)
{
    return json_number_value(json_object_get(of, key)) > 0;
}

static int check_line(const json_t *line)
{
    const json_t *ratio = json_object_get(line, "ratio");

    if (!*text(line, "suite") || !*text(line, "name"))
        return fail(line, "has no name");
    if (!strcmp(text(line, "kind"), "skipped"))
        return *text(line, "reason") ? 0 : fail(line, "skipped without a reason");
    if (strcmp(text(line, "kind"), "rate") && strcmp(text(line, "kind"), "quantity"))
        return fail(line, "is of no known kind");
    if (!positive(ratio, "median") || !positive(ratio, "min") || !positive(ratio, "max"))
        return fail(line, "has no ratio");
    if (!*text(line, "unit") || !*text(json_object_get(line, "theirs"), "name"))
        return fail(line, "says not what was compared");
    return 0;
}

static bool has_line(const json_t *lines, const char *suite)
{
    size_t i;
    const json_t *line;

    json_array_foreach(lines, i, line)
    {
        if (!strcmp(text(line, "suite"), suite))
            return true;
    }
    return false;
}

static int check_suites(const json_t *suites, const json_t *lines)
{
    size_t i;
    const json_t *suite;

    json_array_foreach(suites, i, suite)
    {
        if (!json_is_true(json_object_get(suite, "ok"))) {
            fprintf(stderr, "suite %s: %s\n", text(suite, "name"), text(suite, "failure"));
            return 1;
        }
        if (!has_line(lines, text(suite, "name"))) {
            fprintf(stderr, "suite %s gave no line\n", text(suite, "name"));
            return 1;
        }
        printf("%s\n", text(suite, "name"));
    }
    return json_array_size(suites) == 0;
}

static int check(const json_t *all)
{
    const json_t *lines = json_object_get(all, "lines"), *line;
    size_t i;

    if (!*text(json_object_get(all, "machine"), "kernel")) {
        fprintf(stderr, "the machine is not described\n");
        return 1;
    }
    json_array_foreach(lines, i, line)
    {
        if (check_line(line))
            return 1;
    }
    return check_suites(json_object_get(all, "suites"), lines);
}

int main(int argc, char **argv)
{
    json_error_t why;
    json_t *all = argc == 2 ? json_load_file(argv[1], JSON_REJECT_DUPLICATES, &why) : NULL;
    int r;

    if (!all) {
        fprintf(stderr, "%s\n", argc == 2 ? why.text : "bench-json FILE");
        return 1;
    }
    r = check(all);
    json_decref(all);
    return r;
}

/*
 * abnt - the verb `abnt decode [--json] FILE`.
 */
#include "verbs.h"

#include <sealgrid/base/cleanup.h>
#include <sealgrid/meter/nbr14522.h>
#include <stdio.h>
#include <string.h>

static int usage(FILE *out, int exit_status)
{
    fprintf(out,
            "usage: sealgrid abnt decode [--json] FILE\n"
            "Decodes NBR 14522 frames: hexadecimal, one frame a line, # starts a comment; - is\n"
            "standard input.  Exit 0 when every frame is good, 1 when one is bad, 2 when the\n"
            "input cannot be read.\n");
    return exit_status;
}

int sg_verb_abnt(int argc, char **argv)
{
    const char *path = NULL;
    bool json = false;
    if (argc >= 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc < 3 || strcmp(argv[1], "decode") != 0)
        return usage(stderr, 2);
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            json = true;
        else if (!path && (argv[i][0] != '-' || !argv[i][1]))
            path = argv[i];
        else
            return usage(stderr, 2);
    }
    if (!path)
        return usage(stderr, 2);
    FILE *in = strcmp(path, "-") ? fopen(path, "r") : stdin;
    if (!in) {
        perror(path);
        return 2;
    }
    size_t bad = 0;
    int r = sg_abnt_decode_file(in, json, stdout, &bad);
    if (in != stdin)
        fclose(in);
    if (r)
        fprintf(stderr, "sealgrid abnt: %s\n", sg_error_trace());
    return r ? 2 : bad != 0;
}

/*
 * sealgrid - the operator's command.
 */
#include "verbs.h"

#include <sealgrid/base/log.h>
#include <sealgrid/base/secret.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} verbs[] = {
    {"up", sg_verb_up, "start the platform under a folder and wait until it is ready"},
    {"down", sg_verb_down, "stop it; nothing is deleted"},
    {"status", sg_verb_status, "what runs (--json)"},
    {"env", sg_verb_env, "shell exports for foreign clients"},
    {"register", sg_verb_register, "load a fleet's installation and credential records"},
    {"scrub", sg_verb_scrub, "verify and repair every volume"},
    {"demo", sg_verb_demo, "the main job, from meter to audited bill"},
    {"report", sg_verb_report, "the page of a demo's run, once more"},
    {"attest", sg_verb_attest, "attest verify, attest show: evidence of TEEs judged, decoded"},
    {"cas", sg_verb_cas, "cas attest: casd's evidence about itself, judged"},
    {"fraud", sg_verb_fraud, "sealgrid-fraud: a ranking; fraud simulate-inspections: what it is worth"},
    {"abnt", sg_verb_abnt, "abnt decode: NBR 14522 frames to fields"},
};

static int usage(FILE *out, int exit_status)
{
    fprintf(out, "usage: sealgrid VERB [option...]\n\n");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].help);
    fprintf(out, "\nsealgrid VERB --help says more.\n");
    return exit_status;
}

int main(int argc, char **argv)
{
    int r = sg_process_harden();
    if (r) {
        fprintf(stderr, "sealgrid: %s\n", sg_error_trace());
        return 1;
    }
    sg_log_init("sealgrid", SG_LOG_WARN);
    if (argc < 2)
        return usage(stderr, 2);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
        return usage(stdout, 0);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(argv[1], verbs[i].name))
            return verbs[i].run(argc - 1, argv + 1);
    fprintf(stderr, "sealgrid: no verb %s\n", argv[1]);
    return usage(stderr, 2);
}

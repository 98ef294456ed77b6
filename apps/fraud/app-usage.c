/* app-usage - options that do not go together. */
#include "app.h"

#include <stdio.h>

int app_complain(const char *what, const char *why)
{
    fprintf(stderr, "sealgrid-fraud: %s: %s\n", what, why);
    return EXIT_UNUSABLE;
}

int app_fail(const char *what)
{
    return app_complain(what, sg_error_trace());
}

static bool is(const char *option, const char *word)
{
    return option && !strcmp(option, word);
}

/* How many want standard output for themselves. */
static int at_stdout(const struct fraud_options *o)
{
    return o->json + is(o->out, "-") + is(o->drop_out, "-") + is(o->energy_out, "-") +
           is(o->page, "-") + is(o->balance, "-");
}

bool app_stdout_is_taken(const struct fraud_options *o)
{
    return at_stdout(o) > 0;
}

int app_check_usage(const struct app *a)
{
    const struct fraud_options *o = &a->options;
    const bool full = a->plan.mode == MODE_FULL, phasors = o->phasors && !is(o->phasors, "none");
    const bool comes = o->out || o->json || o->labels || o->client || o->page || o->learn ||
                       o->balance || o->drop_out || o->energy_out;
    const bool energy = is(o->order, "energy");
    const struct {
        bool wrong;
        const char *what, *why;
    } rules[] = {
        {!o->input == !o->store, "usage", "--input F or --store"},
        {o->learn && (!full || o->out || o->page || o->labels || o->client), "--learn",
         "goes with --mode full, without --out, --page, --labels, --client"},
        {o->outcomes && !o->learn, "--outcomes", "goes with --learn"},
        {o->balance && !o->topology, "--balance", "goes with --topology"},
        {o->topology && o->learn, "--topology", "goes without --learn"},
        {phasors && o->learn, "--phasors",
         "a file of them goes without --learn; the store has its own"},
        {phasors && !full, "--phasors", "goes with --mode full"},
        {o->learned && !full, "--learned", "goes with --mode full"},
        {!comes, "usage", "--out F, --page F, --json or --labels L: nothing would come of it"},
        {o->save_map && (o->map || a->plan.mode == MODE_CORRELATION), "--save-map",
         "no map is trained: it goes with --mode paper or full, without --map"},
        {!energy && !is(o->order, "chance"), "--order", "chance or energy"},
        /* Energy is known of mode full alone, and odds of a fleet alone. */
        {(energy || o->energy_out) && (!full || o->client || o->learn),
         energy ? "--order energy" : "--energy-out",
         "goes with --mode full, without --client, --learn"},
        {!is(o->lang, "en") && !is(o->lang, "pt"), "--lang", "en or pt"},
        {at_stdout(o) > 1, "usage",
         "--json, --out -, --drop-out -, --energy-out -, --page -, --balance -: only one can have "
         "standard output"},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (rules[i].wrong)
            return app_complain(rules[i].what, rules[i].why);
    return 0;
}

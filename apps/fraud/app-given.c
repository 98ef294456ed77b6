/* app-given - files beside the load: facts, phasors, labels. */
#include "app.h"

int app_take_facts(struct app *a)
{
    const char *path = a->options.context, *holidays = a->options.holidays;
    char why[CONTEXT_WHY_MAX];
    int r = path ? context_read(&a->facts, path, why) : 0;
    if (r)
        return r < 0 ? app_fail(path) : app_complain(path, why);
    r = holidays ? context_read_holidays(&a->facts, holidays, why) : 0;
    if (r)
        return r < 0 ? app_fail(holidays) : app_complain(holidays, why);
    return 0;
}

/* --phasors F: judged by the same windows, if they are of the calendar; else each customer's last
 * days, by the offset that its zone has at its own first interval. */
int app_take_phasors(struct app *a)
{
    const struct fraud_options *o = &a->options;
    const struct plan *plan = &a->plan;
    struct sg_phasor_config c = SG_PHASOR_CONFIG_DEFAULT;
    char why[PHASORS_WHY_MAX];
    if (!o->phasors || !strcmp(o->phasors, "none"))
        return 0;
    int r = a->tz || o->store ? 0 : app_take_zone(a);
    if (r)
        return r;
    const bool dated = plan->fixed && plan->dated;
    const int64_t first_s = (int64_t)plan->windows.test.first * 86400;
    c.east_s = a->tz && dated ? sg_tz_at(a->tz, first_s).east_s : a->east_s;
    c.recent_days = (uint32_t)(plan->windows.test.last - plan->windows.test.first + 1);
    if (dated)
        c.recent_from_s = first_s - c.east_s;
    r = phasors_read(&a->phasors, o->phasors, &c, dated ? NULL : a->tz, why);
    if (r)
        return r < 0 ? app_fail(o->phasors) : app_complain(o->phasors, why);
    return 0;
}

int app_take_labels(struct app *a)
{
    char why[160];
    int r = a->options.labels ? labels_read(&a->labels, a->options.labels, why) : 0;
    if (r)
        return r < 0 ? app_fail(a->options.labels) : app_complain(a->options.labels, why);
    return 0;
}

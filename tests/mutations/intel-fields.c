/* intel-fields - TCB info and QE identity, field by field. */
#include "intel-set.h"

static bool known_status(const char *s)
{
    return !strcmp(s, "UpToDate");
}

static const char *odd_status(void)
{
    static const char *const words[] = {"UpToDate",
                                        "SWHardeningNeeded",
                                        "ConfigurationNeeded",
                                        "ConfigurationAndSWHardeningNeeded",
                                        "OutOfDate",
                                        "OutOfDateConfigurationNeeded",
                                        "Revoked",
                                        "uptodate",
                                        "UpToDate ",
                                        "NOT_SUPPORTED",
                                        "not_applicable",
                                        ""};
    return words[below(N(words))];
}

static bool change_dates(int64_t *issued, int64_t *next)
{
    *(one_in(2) ? issued : next) = odd_time();
    note("issued %+lld, next %+lld", (long long)(*issued - TK_AT), (long long)(*next - TK_AT));
    return *issued <= TK_AT && *next >= TK_AT;
}

/* The platform has at least what the level asks for: all components, and the PCE. */
bool set_reaches(const struct set *s, const struct tk_level *l)
{
    bool all = s->t.pcesvn >= l->pcesvn;
    for (int i = 0; i < TK_SVNS; i++) {
        all &= s->t.components[i] >= l->sgx[i];
        all &= !s->td || i < 2 || s->t.tdx_components[i] >= l->tdx[i];
    }
    return all;
}

static void change_level(struct tk_level *l, bool td)
{
    const size_t i = below(TK_SVNS);
    switch (below(td ? 4 : 3)) {
    case 0:
        l->sgx[i] = (uint8_t)odd_number(l->sgx[i], 8);
        break;
    case 1:
        l->pcesvn = (unsigned)odd_number(l->pcesvn, 16);
        break;
    case 2:
        l->status = odd_status();
        break;
    default:
        l->tdx[i] = (uint8_t)odd_number(l->tdx[i], 8);
    }
    note("component %zu: %u, %u; PCE %u; %s", i, l->sgx[i], l->tdx[i], l->pcesvn, l->status);
}

static bool readable(const char *status)
{
    static const char *const words[] = {"UpToDate",
                                        "SWHardeningNeeded",
                                        "ConfigurationNeeded",
                                        "ConfigurationAndSWHardeningNeeded",
                                        "OutOfDate",
                                        "OutOfDateConfigurationNeeded",
                                        "Revoked"};
    for (size_t i = 0; i < N(words); i++)
        if (!strcmp(words[i], status))
            return true;
    return false;
}

/* The first level that the platform reaches counts; all of them must be well-formed. */
static bool levels_are_right(const struct set *s)
{
    const struct tk_level *first = NULL;
    for (size_t i = 0; i < s->info.n_levels; i++) {
        const struct tk_level *l = &s->info.level[i];
        if (!readable(l->status))
            return false;
        if (!first && set_reaches(s, l))
            first = l;
    }
    return first && known_status(first->status);
}

static bool change_levels(struct set *s)
{
    struct tk_tcb_info *i = &s->info;
    i->n_levels = 1 + below(TK_LEVELS_MAX);
    for (size_t k = 1; k < i->n_levels; k++) {
        i->level[k] = i->level[0];
        if (one_in(2))
            i->level[k].status = odd_status();
    }
    for (size_t n = 1 + below(3); n; n--)
        change_level(&i->level[below(i->n_levels)], s->td);
    return levels_are_right(s);
}

static bool change_module(struct set *s)
{
    const unsigned svn = s->t.tdx_components[0];
    s->info.module_svn = (unsigned)odd_number(s->info.module_svn, 16);
    s->info.module_status = one_in(2) ? odd_status() : NULL;
    note("module SVN %u, %s", s->info.module_svn,
         s->info.module_status ? s->info.module_status : "UpToDate");
    if (s->info.module_status && !readable(s->info.module_status))
        return false;
    return svn >= s->info.module_svn &&
           (!s->info.module_status || known_status(s->info.module_status));
}

/* Version 2 is of SGX alone, and has no id. */
static bool change_version(struct set *s)
{
    s->info.version = (unsigned)odd_number(3, 4);
    note("version %u", s->info.version);
    return s->info.version == 3 || (s->info.version == 2 && !s->td);
}

static bool change_info_id(struct set *s)
{
    static const char *const ids[] = {"SGX", "TDX", "QE", "sgx", "", "SGX TDX"};
    s->info.id = ids[below(N(ids))];
    note("id %s", s->info.id);
    return !strcmp(s->info.id, s->td ? "TDX" : "SGX");
}

static bool change_platform_id(struct set *s)
{
    if (one_in(2))
        change(s->info.fmspc, sizeof s->info.fmspc);
    else
        change(s->info.pceid, sizeof s->info.pceid);
    return false;
}

bool change_info(struct set *s)
{
    switch (below(s->td ? 7 : 6)) {
    case 0:
        return change_dates(&s->info.issued_s, &s->info.next_s);
    case 1:
        return change_version(s);
    case 2:
        return change_info_id(s);
    case 3:
        return change_platform_id(s);
    case 4:
        s->info.evaluation = (unsigned)odd_number(17, 32);
        note("evaluation %u", s->info.evaluation);
        return true;
    case 5:
        return change_levels(s);
    default:
        return change_module(s);
    }
}

/* (report & mask) == value; the QE's report is the testkit's. */
static bool masked(const uint8_t *report, const uint8_t *mask, const uint8_t *value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((report[i] & mask[i]) != value[i])
            return false;
    return true;
}

bool identity_is_right(const struct set *s)
{
    const struct tk_quote q =
        s->td ? tk_quote_td(&world.intel, 4, TK_TD10_BODY) : tk_quote_sgx(&world.intel);
    const struct tk_identity good = tk_identity_good(&world.intel, s->td), *id = &s->id;
    return masked(q.qe + 16, id->miscselect_mask, id->miscselect, 4) &&
           masked(q.qe + 48, id->attributes_mask, id->attributes, 16) &&
           !memcmp(id->mrsigner, good.mrsigner, 32) && id->isvprodid == good.isvprodid &&
           good.isvsvn >= id->isvsvn && known_status(id->status) && !strcmp(id->id, good.id) &&
           id->issued_s <= TK_AT && id->next_s >= TK_AT;
}

void change_identity(struct set *s)
{
    static const char *const ids[] = {"QE", "TD_QE", "QVE", "qe", ""};
    struct tk_identity *id = &s->id;
    uint8_t *const octets[] = {id->miscselect, id->miscselect_mask, id->attributes,
                               id->attributes_mask, id->mrsigner};
    static const size_t lens[] = {4, 4, 16, 16, 32};
    const size_t which = below(N(octets));
    switch (below(6)) {
    case 0:
        id->id = ids[below(N(ids))];
        break;
    case 1:
        change_dates(&id->issued_s, &id->next_s);
        break;
    case 2:
        id->isvprodid = (unsigned)odd_number(id->isvprodid, 16);
        break;
    case 3:
        id->isvsvn = (unsigned)odd_number(id->isvsvn, 16);
        break;
    case 4:
        id->status = odd_status();
        break;
    default:
        change(octets[which], lens[which]);
        note("field %zu", which);
    }
    note("identity %s, product %u, SVN %u, %s", id->id, id->isvprodid, id->isvsvn, id->status);
}

#include <sealgrid/tee/kind.h>

static const char *const names[] = {[SG_TEE_KIND_NONE] = "none",
#define X(id, name) [SG_TEE_##id] = name,
                                    SG_TEE_KINDS(X)
#undef X
};

#define N_KINDS (sizeof names / sizeof names[0])

const char *sg_tee_kind_name(enum sg_tee_kind kind)
{
    return (size_t)kind < N_KINDS ? names[kind] : "none";
}

enum sg_tee_kind sg_tee_kind_parse(struct sg_bytes name)
{
    for (size_t i = 1; i < N_KINDS; i++)
        if (sg_bytes_equal(name, sg_bytes_str(names[i])))
            return (enum sg_tee_kind)i;
    return SG_TEE_KIND_NONE;
}

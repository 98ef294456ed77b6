#include "kernel-int.h"

#include <string.h>

static bool runs_here(size_t i)
{
#if defined(__x86_64__)
    /* These ask the processor and whether the operating system saves the registers. */
    if (i == 1)
        return __builtin_cpu_supports("avx2");
    if (i == 2)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#endif
    return i == 0;
}

static const struct sg_fraud_kernel *const kernels[] = {
    &sg_fraud_kernel_portable,
#if defined(__x86_64__)
    &sg_fraud_kernel_avx2,
    &sg_fraud_kernel_avx512,
#endif
};

const struct sg_fraud_kernel *sg_fraud_kernel_at(size_t i)
{
    for (size_t k = 0; k < sizeof(kernels) / sizeof(kernels[0]); k++)
        if (runs_here(k) && i-- == 0)
            return kernels[k];
    return NULL;
}

const struct sg_fraud_kernel *sg_fraud_kernel_best(void)
{
    size_t k = sizeof(kernels) / sizeof(kernels[0]) - 1;
    while (!runs_here(k))
        k--;
    return kernels[k];
}

const struct sg_fraud_kernel *sg_fraud_kernel_named(const char *name)
{
    const struct sg_fraud_kernel *k;
    for (size_t i = 0; (k = sg_fraud_kernel_at(i)); i++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

const char *sg_fraud_kernel_name(const struct sg_fraud_kernel *k)
{
    return k->name;
}

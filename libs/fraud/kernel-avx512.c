/* Compiled with -mavx512f and its kin, and called only where __builtin_cpu_supports says so. */
#if defined(__x86_64__)
#define KERNEL_NAME  "avx512"
#define KERNEL       sg_fraud_kernel_avx512
#define KERNEL_BYTES 64
#include "kernel-body-int.h"
#endif

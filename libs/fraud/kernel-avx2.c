/* Compiled with -mavx2 and called only where __builtin_cpu_supports says so. */
#if defined(__x86_64__)
#define KERNEL_NAME  "avx2"
#define KERNEL       sg_fraud_kernel_avx2
#define KERNEL_BYTES 32
#include "kernel-body-int.h"
#endif

/* Registers of 16 octets: SSE2 of every x86-64, NEON of every AArch64; elsewhere the compiler makes
 * do with scalars. */
#define KERNEL_NAME  "portable"
#define KERNEL       sg_fraud_kernel_portable
#define KERNEL_BYTES 16
#include "kernel-body-int.h"

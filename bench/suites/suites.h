#pragma once
/*
 * suites - every suite of the program, in the order of the table.  A new one adds its X here and
 * its sg_bench_suite() in bench/CMakeLists.txt.
 */
#include "../bench.h"

#define SG_BENCH_SUITES(X)                                                                         \
    X(crypto) X(ec) X(merkle) X(edhoc) X(cas) X(store) X(store_net) X(ingest) X(sql) X(billing)    \
    X(fraud) X(attest)

#define SG_BENCH_DECLARE(name) extern const struct sg_bench_suite sg_bench_suite_##name;
SG_BENCH_SUITES(SG_BENCH_DECLARE)
#undef SG_BENCH_DECLARE

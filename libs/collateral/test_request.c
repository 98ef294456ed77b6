/*
 * What is asked for, in the words of the vendors' interfaces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "request-int.h"
#include "transport-int.h"

static const struct sg_tee_need platform = {.fmspc = {0x00, 0x90, 0x6e, 0xd5, 0x00, 0x0F}};

static void expect(struct sg_tee_need n, enum sg_tee_need_kind kind, bool pccs,
                   enum sg_collateral_service service, const char *path, const char *header)
{
    struct sg_collateral_request r;
    n.kind = kind;
    sg_collateral_request_of(&n, pccs, &r);
    assert_string_equal(r.path, path);
    assert_int_equal(r.service, service);
    if (header)
        assert_string_equal(r.chain_header[0], header);
    else
        assert_null(r.chain_header[0]);
    assert_null(strchr(r.file, '/'));
    assert_true(r.file[0] && r.file[0] != '.');
}

static void test_intel(void **state)
{
    (void)state;
    struct sg_tee_need n = platform;
    expect(n, SG_TEE_NEED_TCB_INFO, false, SG_SERVICE_INTEL,
           "/sgx/certification/v4/tcb?fmspc=00906ed5000f", "TCB-Info-Issuer-Chain");
    expect(n, SG_TEE_NEED_QE_IDENTITY, false, SG_SERVICE_INTEL, "/sgx/certification/v4/qe/identity",
           "SGX-Enclave-Identity-Issuer-Chain");
    expect(n, SG_TEE_NEED_PCK_CRL, false, SG_SERVICE_INTEL,
           "/sgx/certification/v4/pckcrl?ca=processor&encoding=der", "SGX-PCK-CRL-Issuer-Chain");
    n.tdx = n.platform = true;
    expect(n, SG_TEE_NEED_TCB_INFO, true, SG_SERVICE_INTEL,
           "/tdx/certification/v4/tcb?fmspc=00906ed5000f", "TCB-Info-Issuer-Chain");
    expect(n, SG_TEE_NEED_QE_IDENTITY, true, SG_SERVICE_INTEL, "/tdx/certification/v4/qe/identity",
           "SGX-Enclave-Identity-Issuer-Chain");
    expect(n, SG_TEE_NEED_PCK_CRL, true, SG_SERVICE_INTEL,
           "/sgx/certification/v4/pckcrl?ca=platform&encoding=der", "SGX-PCK-CRL-Issuer-Chain");
    expect(n, SG_TEE_NEED_INTEL_ROOT_CRL, false, SG_SERVICE_INTEL_ROOT, "/IntelSGXRootCA.der",
           NULL);
    expect(n, SG_TEE_NEED_INTEL_ROOT_CRL, true, SG_SERVICE_INTEL, "/sgx/certification/v4/rootcacrl",
           NULL);
}

static void test_amd(void **state)
{
    (void)state;
    struct sg_tee_need n = {.product = "Genoa",
                            .chip_id_len = 64,
                            .fmc = -1,
                            .bl = 7,
                            .tee = 0,
                            .snp = 14,
                            .ucode = 213};
    memset(n.chip_id, 0xAb, sizeof n.chip_id);
    expect(n, SG_TEE_NEED_AMD_CHAIN, false, SG_SERVICE_AMD, "/vcek/v1/Genoa/cert_chain", NULL);
    expect(n, SG_TEE_NEED_AMD_CRL, false, SG_SERVICE_AMD, "/vcek/v1/Genoa/crl", NULL);
    expect(n, SG_TEE_NEED_VCEK, false, SG_SERVICE_AMD,
           "/vcek/v1/Genoa/"
           "abababababababababababababababababababababababababababababababab"
           "abababababababababababababababababababababababababababababababab"
           "?blSPL=07&teeSPL=00&snpSPL=14&ucodeSPL=213",
           NULL);
    n.vlek = true;
    expect(n, SG_TEE_NEED_AMD_CHAIN, false, SG_SERVICE_AMD, "/vlek/v1/Genoa/cert_chain", NULL);
    expect(n, SG_TEE_NEED_AMD_CRL, false, SG_SERVICE_AMD, "/vlek/v1/Genoa/crl", NULL);
    n = (struct sg_tee_need){.product = "Turin",
                             .chip_id_len = 8,
                             .chip_id = {1, 2, 3, 4, 5, 6, 7, 8},
                             .fmc = 1,
                             .bl = 1,
                             .tee = 1,
                             .snp = 4,
                             .ucode = 82};
    expect(n, SG_TEE_NEED_VCEK, false, SG_SERVICE_AMD,
           "/vcek/v1/Turin/0102030405060708?fmcSPL=01&blSPL=01&teeSPL=01&snpSPL=04&ucodeSPL=82",
           NULL);
}

/* Two things that differ have two files. */
static void test_files_differ(void **state)
{
    (void)state;
    struct sg_tee_need all[16];
    struct sg_collateral_request a, b;
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        struct sg_tee_need x = platform;
        x.tdx = x.platform = x.vlek = i;
        x.product = i ? "Milan" : "Genoa";
        x.chip_id_len = 64;
        x.chip_id[63] = (uint8_t)i;
        for (int kind = SG_TEE_NEED_TCB_INFO; kind <= SG_TEE_NEED_VCEK; kind++) {
            x.kind = (enum sg_tee_need_kind)kind;
            if (!i || kind != SG_TEE_NEED_INTEL_ROOT_CRL)
                all[n++] = x;
        }
    }
    all[n] = all[n - 1];
    all[n++].ucode++;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            sg_collateral_request_of(&all[i], false, &a);
            sg_collateral_request_of(&all[k], false, &b);
            assert_string_not_equal(a.file, b.file);
        }
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://pccs.example", "https://pccs.example:8081/sgx/certification/v4/",
        "http://127.0.0.1:8081", "http://[::1]:1", "http://localhost"};
    static const char *const bad[] = {"",
                                      "pccs.example",
                                      "ftp://127.0.0.1",
                                      "file:///etc/passwd",
                                      "https://user@pccs.example",
                                      "https://user:word@pccs.example",
                                      "https://pccs.example/?a=b",
                                      "https://pccs.example/#a",
                                      "http://pccs.example",
                                      "http://127.example",
                                      "http://localhost.example",
                                      "http://10.0.0.1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(sg_transport_check_url(good[i], false), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (sg_transport_check_url(bad[i], false) != -EINVAL)
            fail_msg("%s", bad[i]);
    assert_int_equal(sg_transport_check_url("http://10.0.0.1", true), 0);
    assert_int_equal(sg_transport_check_url("ftp://10.0.0.1", true), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intel),
        cmocka_unit_test(test_amd),
        cmocka_unit_test(test_files_differ),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

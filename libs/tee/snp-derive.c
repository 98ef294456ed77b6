#include "snp-derive-int.h"

#include "judge-int.h"

#include <fcntl.h>
#include <linux/sev-guest.h>
#include <sealgrid/base/error.h>
#include <sealgrid/crypto/hash.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { KEY_AT = 32, KEY_LEN = 32, ROOT_VCEK = 0, MESSAGE_VERSION = 1 };

int sg_snp_kernel_key(uint64_t fields, uint32_t vmpl, uint8_t ret[SG_SNP_KEY_REPLY])
{
    struct snp_derived_key_req request = {
        .root_key_select = ROOT_VCEK, .guest_field_select = fields, .vmpl = vmpl};
    struct snp_derived_key_resp reply = {{0}};
    struct snp_guest_request_ioctl io = {.msg_version = MESSAGE_VERSION,
                                         .req_data = (uintptr_t)&request,
                                         .resp_data = (uintptr_t)&reply};
    _Static_assert(sizeof reply.data == SG_SNP_KEY_REPLY, "as the kernel has it");
    SG_CLOSE int fd = open(SG_SNP_DEVICE, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return sg_raisef(-errno, "%s", SG_SNP_DEVICE);
    if (ioctl(fd, SNP_GET_DERIVED_KEY, &io) < 0)
        return sg_raisef(-errno, "%s: SNP_GET_DERIVED_KEY: 0x%llx", SG_SNP_DEVICE,
                         (unsigned long long)io.exitinfo2);
    memcpy(ret, reply.data, SG_SNP_KEY_REPLY);
    sg_wipe(&reply, sizeof reply);
    return 0;
}

/* One key of the processor for all labels. */
static int expand(const uint8_t key[KEY_LEN], const char *label, struct sg_secret *ret)
{
    uint8_t prk[32];
    int r = sg_secret_new(ret, KEY_LEN);
    if (r < 0)
        return r;
    sg_hkdf_extract(prk, SG_BYTES_LIT("sealgrid-snp-seal-v1"), SG_BYTES(key, KEY_LEN));
    sg_hkdf_expand(ret->data, ret->len, SG_BYTES_ARRAY(prk), sg_bytes_str(label));
    sg_wipe(prk, sizeof prk);
    return 0;
}

/* A key of zeros is what a host would give that answers in the firmware's place and fails. */
static int check(const uint8_t reply[SG_SNP_KEY_REPLY])
{
    uint8_t any = 0;
    const uint32_t status = sg_load_le32(reply);
    for (size_t i = 0; i < KEY_LEN; i++)
        any |= reply[KEY_AT + i];
    if (status)
        return sg_raisef(-EIO, "SEV-SNP firmware: no key, status 0x%x", status);
    return any ? 0 : sg_raisef(-EIO, "SEV-SNP firmware: a key of zeros");
}

int sg_snp_derive(sg_snp_ask_key *ask, uint32_t vmpl, enum sg_tee_seal policy, const char *label,
                  struct sg_secret *ret)
{
    uint8_t reply[SG_SNP_KEY_REPLY] = {0};
    if (policy != SG_TEE_SEAL_MEASUREMENT)
        return sg_raisef(-ENOTSUP, "SEV-SNP has no key for any build that its host could not have "
                                   "too: seal to the measurement");
    int r =
        ask(SG_SNP_KEY_POLICY | SG_SNP_KEY_IMAGE_ID | SG_SNP_KEY_FAMILY_ID | SG_SNP_KEY_MEASUREMENT,
            vmpl, reply);
    if (r == 0)
        r = check(reply);
    if (r == 0)
        r = expand(reply + KEY_AT, label, ret);
    sg_wipe(reply, sizeof reply);
    return r;
}

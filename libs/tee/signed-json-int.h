#pragma once
/*
 * signed-json - {"NAME": OBJECT, "signature": "HEX"}: where OBJECT's octets begin and end.
 *
 * A signature covers octets, and no JSON library says which octets a value came from; so the outer
 * object is scanned here, and OBJECT alone is given to the library afterwards.  Pure.
 */
#include <sealgrid/base/bytes.h>

#define SG_TEE_JSON_DEPTH 24

enum sg_tee_signed_json {
    SG_TEE_SIGNED_JSON_OK,
    SG_TEE_SIGNED_JSON_FOREIGN, /* no JSON object, or without any of the names */
    SG_TEE_SIGNED_JSON_BROKEN,  /* a name is there, but: syntax, twice, two names, no signature */
};

/* names: NULL-terminated; *ret_name: index of the one found.  *ret_signature: 64 octets. */
enum sg_tee_signed_json sg_tee_signed_json(struct sg_bytes text, const char *const *names,
                                           size_t *ret_name, struct sg_bytes *ret_object,
                                           uint8_t ret_signature[64]);

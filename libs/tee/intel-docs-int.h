#pragma once
/*
 * intel-docs - TCB info (SGX and TDX, versions 2 and 3) and enclave identities (QE, TD_QE, QVE), as
 * Intel's PCS gives them: {"tcbInfo"|"enclaveIdentity": OBJECT, "signature": HEX}.
 *
 * The signature covers the octets of OBJECT exactly as they stand (signed-json-int.h).  The reader
 * is strict: no member twice, every member it knows of the right type and size; members that it
 * does not know are ignored, as Intel adds some within a version. Owns: its text and all strings.
 * Immutable.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/cleanup.h>
#include <sealgrid/base/error.h>
#include <sealgrid/tee/reason.h>
#include <sealgrid/tee/status.h>

#define SG_TEE_COMPONENTS           16
#define SG_TEE_LEVELS_MAX           128
#define SG_TEE_MODULES_MAX          32
#define SG_TEE_DOC_MAX              (1u << 20)
#define SG_TEE_LEVEL_ADVISORIES_MAX 48
#define SG_TEE_ADVISORY_MAX         32

struct sg_tee_level_advisories {
    size_t n;
    const char *id[SG_TEE_LEVEL_ADVISORIES_MAX]; /* in the document */
};

/* A level of a TCB info. */
struct sg_tee_tcb_level {
    uint8_t sgx[SG_TEE_COMPONENTS], tdx[SG_TEE_COMPONENTS]; /* tdx: zeros unless for TDX */
    uint16_t pcesvn;
    enum sg_tee_status status;
    int64_t date_s;
    struct sg_tee_level_advisories advisories;
};

/* A level of an identity (QE, TDX module). */
struct sg_tee_svn_level {
    uint16_t isvsvn;
    enum sg_tee_status status;
    int64_t date_s;
    struct sg_tee_level_advisories advisories;
};

struct sg_tee_module {
    char id[16]; /* "TDX_03"; "" for the one without a version */
    uint8_t mrsigner[48], attributes[8], attributes_mask[8];
    struct sg_tee_svn_level *level;
    size_t n_levels;
};

enum sg_tee_intel_id {
    SG_TEE_INTEL_ID_NONE,
    SG_TEE_INTEL_ID_SGX, /* TCB infos */
    SG_TEE_INTEL_ID_TDX,
    SG_TEE_INTEL_ID_QE, /* identities */
    SG_TEE_INTEL_ID_TD_QE,
    SG_TEE_INTEL_ID_QVE,
};

struct sg_tee_intel_doc {
    uint8_t *room;
    struct sg_bytes text;
    struct sg_bytes body; /* the signed octets, in text */
    uint8_t signature[64];
    uint8_t id_hash[32]; /* SHA-256 of body and signature */
    bool identity;       /* else a TCB info */
    /* VERSION: read as far as id and dates, no further. */
    enum sg_tee_doc_fault fault; /* SG_TEE_N_DOC_FAULTS: none */
    enum sg_tee_intel_id id;
    unsigned version;
    int64_t issue_s, next_s;
    uint32_t evaluation;
    void *json; /* owns the strings */

    /* TCB info */
    uint8_t fmspc[6], pceid[2];
    struct sg_tee_tcb_level *level;
    size_t n_levels;
    struct sg_tee_module module; /* TDX: for TEE_TCB_SVN[1] = 0; without levels */
    struct sg_tee_module *modules;
    size_t n_modules;

    /* identity */
    uint8_t miscselect[4], miscselect_mask[4]; /* as a little-endian report has them */
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isvprodid;
    struct sg_tee_svn_level *svn_level;
    size_t n_svn_levels;
};

enum sg_tee_doc_outcome {
    SG_TEE_DOC_FOREIGN = 1, /* JSON of something else, or no JSON */
    SG_TEE_DOC_BROKEN,      /* ours by its first member, but malformed */
};

SG_MUST_USE int sg_tee_intel_doc_new(struct sg_tee_intel_doc **ret, struct sg_bytes text);
void sg_tee_intel_doc_free(struct sg_tee_intel_doc *d);
SG_DEFINE_FREEP(struct sg_tee_intel_doc, sg_tee_intel_doc_free)

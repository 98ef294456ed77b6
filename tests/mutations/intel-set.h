#pragma once
/*
 * intel-set - what a quote is judged by, changed and signed again.  Every change_ function changes
 * one thing and says whether the quote may be trusted then.
 * Sources: Intel, "PCS API" (schemas of TCB info and QE identity), "SGX PCK Certificate and CRL
 * Profile"; RFC 5280.
 */
#include "mutate.h"

/* One set of documents, whole and good until it is changed. */
struct set {
    struct tk_intel t; /* keys and certificates are the world's until issued anew */
    struct tk_tcb_info info;
    struct tk_identity id;
    struct sg_buf info_text, id_text; /* signed */
    struct sg_buf root_crl, pck_crl;
    bool td, issued;
    bool without_root_crl, without_pck_crl, without_info, without_id, without_signer;
};

/* The certificates, from the specs as they are now; keys are borrowed. */
void set_issue(struct set *s);
/* The platform has at least what the level asks for. */
bool set_reaches(const struct set *s, const struct tk_level *l);

/* intel-fields.c */
bool change_info(struct set *s);
void change_identity(struct set *s);
bool identity_is_right(const struct set *s);
/* intel-text.c */
bool change_document_text(struct set *s);
/* intel-certs.c */
bool change_certificate(struct set *s);
bool change_platform(struct set *s);
bool wrong_issuer(struct set *s);
bool change_list(struct set *s);
bool leave_out(struct set *s);
/* intel-extension.c */
bool break_extension(struct set *s);

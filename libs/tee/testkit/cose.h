#pragma once
/*
 * testkit cose - COSE_Sign1 documents of our own making, as AWS Nitro and Arm CCA use them.
 */
#include "pki.h"

/* 18([<<{1: algorithm}>>, {}, payload, signature]), signed for that algorithm (-7, -35) by the key;
 * tagged or not.  Appends. */
void tk_cose_sign1(EVP_PKEY *key, int algorithm, bool tagged, struct sg_bytes payload,
                   struct sg_buf *ret);

#pragma once
/*
 * nbr14522 - frames of ABNT NBR 14522 (electricity meter reading protocol of Brazil), sans-I/O.
 * docs/protocols/nbr14522.md has the protocol and which facts rest on which evidence; octets are
 * numbered from 1 here and there, as in the standard.
 *
 *   66   command: 64 octets, CRC-16/ARC low octet first
 *   71   multipoint command: 99, meter serial (4), a 66-octet command whose CRC covers its own 64
 *   68   bus command: 01 99, 64 octets, CRC-16/MODBUS over the 66 before it
 *   258  answer: 256 octets, CRC-16/ARC
 *   260  bus answer: 01 99, 256 octets, CRC-16/MODBUS over the 258 before it
 */
#include <sealgrid/base/buf.h>

#define SG_NBR_COMMAND_LEN 64
#define SG_NBR_ANSWER_LEN  256
#define SG_NBR_FRAME_MAX   260

enum sg_nbr_variant {
    SG_NBR_COMMAND_66,
    SG_NBR_MULTIPOINT_71,
    SG_NBR_BUS_COMMAND_68,
    SG_NBR_ANSWER_258,
    SG_NBR_BUS_ANSWER_260,
};

struct sg_nbr_frame {
    enum sg_nbr_variant variant;
    uint8_t meter[4];      /* BCD, most significant first: 71 addressed to; 258 and 260 from */
    struct sg_bytes block; /* 64 or 256 octets without CRC or prefix; borrowed */
};

enum sg_nbr_refusal {
    SG_NBR_BAD_LENGTH = 1, /* no variant has this length and prefix */
    SG_NBR_BAD_CRC,
    SG_NBR_PADDED,   /* a shorter frame padded with zeros: CRC 0000 after a zero octet (the residue
                        of a good frame stays 0 under zeros, so only this tells) */
    SG_NBR_BAD_CODE, /* 00, or one of the signal octets 05 06 10 15 */
};
/* "wrong length", ... */
const char *sg_nbr_refusal_text(enum sg_nbr_refusal r);
const char *sg_nbr_variant_text(enum sg_nbr_variant v); /* "66", ... */
static inline bool sg_nbr_is_answer(enum sg_nbr_variant v)
{
    return v >= SG_NBR_ANSWER_258;
}

SG_MUST_USE int sg_nbr_frame_decode(struct sg_bytes octets, struct sg_nbr_frame *ret);
/* Appends.  -EINVAL: block of the wrong length for the variant. */
SG_MUST_USE int sg_nbr_frame_encode(const struct sg_nbr_frame *f, struct sg_buf *b);

/* Polynomial x16 + x15 + x2 + 1 reflected (A001), no final xor; ARC starts at 0000 ("123456789" ->
 * BB3D), MODBUS at FFFF (-> 4B37). */
uint16_t sg_crc16_arc(struct sg_bytes b);
uint16_t sg_crc16_modbus(struct sg_bytes b);

/*
 * User output (saida de usuario): one block a second at 110 baud.
 * 8 octets end with NOT XOR, the extended 9 with CRC-16/ARC.
 */
struct sg_nbr_user_output {
    bool extended;
    unsigned seconds_left; /* 0..4095, to the end of the demand interval */
    bool billing_toggle, reactive_toggle, capacitive_on, inductive_on;
    unsigned post;     /* normal: 1 peak, 2 off-peak, 8 reserved; extended: octet 3 bits 0-1 */
    unsigned tariff;   /* normal: 0 blue, 1 green, 2 irrigation, 3 other */
    unsigned quadrant; /* extended: code 0 Q1, 1 Q4, 2 Q2, 3 Q3 */
    bool reactive_tariff;
    unsigned spare; /* octet 3: the bits without a meaning, kept as they came */
    unsigned active_pulses, reactive_pulses; /* normal 15 bits, extended 16 */
    bool active_spare, reactive_spare;       /* normal: bit 15 of the counters */
};
/* 0, SG_NBR_BAD_LENGTH or SG_NBR_BAD_CRC. */
SG_MUST_USE int sg_nbr_user_output_decode(struct sg_bytes octets, struct sg_nbr_user_output *ret);
SG_MUST_USE int sg_nbr_user_output_encode(const struct sg_nbr_user_output *u, struct sg_buf *b);

/*
 * Text file of frames for the command `sealgrid abnt decode`: one frame of hexadecimal octets a
 * line, '#' starts a comment, empty lines are skipped.  json: one object a frame with line, ok,
 * variant, command, serial, fields or error; else readable text.  *ret_bad = frames refused.
 * `in` and `out` are stdio streams (FILE *).  -errno on a read or write failure.
 */
struct _IO_FILE;
SG_MUST_USE int sg_abnt_decode_file(struct _IO_FILE *in, bool json, struct _IO_FILE *out,
                                    size_t *ret_bad);

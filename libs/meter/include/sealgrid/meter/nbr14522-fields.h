#pragma once
/*
 * nbr14522-fields - what stands at which octet of a command or answer block.
 *
 * Each layout is one X-macro list; enumeration, table, decoding, encoding, printing and fuzzing
 * come from it.  A field is a view: get reads it from a block, set writes it into one, and
 * set(get(x)) = x for every octet, good or strange - a date that is no date, a BCD octet with a
 * letter in it come and go as raw hexadecimal text.  Sources: docs/protocols/nbr14522.md.
 */
#include <sealgrid/meter/nbr14522.h>

enum sg_nbr_type {
    SG_NBR_U8,       /* binary octet */
    SG_NBR_BCD,      /* len octets, most significant first */
    SG_NBR_F32,      /* IEEE 754 single, little endian; FF FF FF FF: not available */
    SG_NBR_HMS,      /* "hh:mm:ss" */
    SG_NBR_DMY,      /* "dd/mm/yy" */
    SG_NBR_STAMP,    /* hms dmy: "hh:mm:ss dd/mm/yy" */
    SG_NBR_HM,       /* "hh:mm"; 99 00: none */
    SG_NBR_DM,       /* "dd/mm" */
    SG_NBR_TEXT,     /* len ASCII characters */
    SG_NBR_HEX,      /* len octets as they are */
    SG_NBR_HIGH,     /* high nibble */
    SG_NBR_BLOCK_NO, /* low nibble of this octet, then the next octet: three BCD digits */
    SG_NBR_W12, /* 12-bit words, two in three octets: b0 | (b1 >> 4) << 8, b2 | (b1 & 15) << 8 */
};

/* F(name, first octet, type, octets of one element, elements, unit) */
#define SG_NBR_ANSWER_HEAD(F)  F(meter_serial, 2, HEX, 4, 1, "")
#define SG_NBR_COMMAND_HEAD(F) F(reader, 2, HEX, 3, 1, "")

#define SG_NBR_INSTANT_FIELDS(F)                                                                   \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(time, 6, HMS, 3, 1, "")                                                                      \
    F(date, 9, DMY, 3, 1, "")                                                                      \
    F(Va, 12, F32, 4, 1, "V")                                                                      \
    F(Vb, 16, F32, 4, 1, "V") F(Vc, 20, F32, 4, 1, "V") F(Vab, 24, F32, 4, 1, "V")                 \
        F(Vbc, 28, F32, 4, 1, "V") F(Vca, 32, F32, 4, 1, "V") F(Ia, 36, F32, 4, 1, "A") F(         \
            Ib, 40, F32, 4, 1, "A") F(Ic, 44, F32, 4, 1, "A") F(In, 48, F32, 4, 1, "A")            \
            F(Pa, 52, F32, 4, 1, "W") F(Pb, 56, F32, 4, 1, "W") F(Pc, 60, F32, 4, 1, "W") F(       \
                P3, 64, F32, 4, 1, "W") F(Qa, 68, F32, 4, 1, "var") F(Qb, 72, F32, 4, 1, "var")    \
                F(Qc, 76, F32, 4, 1, "var") F(Q3, 80, F32, 4, 1, "var")                            \
                    F(SQa, 84, F32, 4, 1, "VA") F(SQb, 88, F32, 4, 1, "VA") F(                     \
                        SQc, 92, F32,                                                              \
                        4, 1,                                                                      \
                        "VA") F(SQ3, 96, F32, 4, 1, "VA")                                          \
                        F(SVa, 100, F32, 4, 1, "VA") F(SVb, 104, F32, 4, 1, "VA") F(               \
                            SVc, 108,                                                              \
                            F32, 4,                                                                \
                            1, "VA") F(SV3, 112, F32, 4, 1, "VA")                                  \
                            F(Da, 116, F32, 4, 1, "") F(Db, 120, F32, 4, 1, "")                    \
                                F(Dc, 124, F32, 4, 1, "") F(D3, 128, F32, 4, 1, "") F(             \
                                    cosA,                                                          \
                                    132, F32,                                                      \
                                    4, 1,                                                          \
                                    "") F(cosB, 136, F32, 4, 1, "")                                \
                                    F(cosC, 140, F32, 4, 1,                                        \
                                      "") F(cos3, 144, F32, 4, 1,                                  \
                                            "") F(reactive_char_a_b_c_3, 148, TEXT, 4, 1, "")      \
                                        F(PFa, 152, F32, 4, 1, "") F(PFb, 156, F32, 4, 1, "") F(   \
                                            PFc, 160,                                              \
                                            F32, 4,                                                \
                                            1, "") F(PF3, 164, F32, 4, 1, "")                      \
                                            F(phiA, 168, F32, 4, 1, "deg") F(                      \
                                                phiB,                                              \
                                                172, F32,                                          \
                                                4, 1,                                              \
                                                "deg") F(phiC, 176, F32, 4, 1, "deg")              \
                                                F(temp, 180, F32, 4, 1,                            \
                                                  "C") F(freq, 184, F32, 4, 1, "Hz")               \
                                                    F(connection_type, 188, U8, 1, 1, "") F(       \
                                                        latitude,                                  \
                                                        189, HEX,                                  \
                                                        4, 1,                                      \
                                                        "") F(longitude, 193, HEX, 4, 1, "")       \
                                                        F(version, 197, U8, 1, 1, "") F(           \
                                                            angVa, 198,                            \
                                                            F32, 4,                                \
                                                            1,                                     \
                                                            "deg") F(angVb, 202, F32, 4, 1, "deg") \
                                                            F(angVc, 206, F32, 4, 1, "deg") F(     \
                                                                angAB, 210,                        \
                                                                F32, 4,                            \
                                                                1, "deg")                          \
                                                                F(angBC, 214, F32, 4, 1,           \
                                                                  "deg") F(angCA, 218, F32, 4, 1,  \
                                                                           "deg")                  \
                                                                    F(THDVa, 222, F32, 4, 1,       \
                                                                      "%") F(THDVb, 226, F32,      \
                                                                             4, 1, "%")            \
                                                                        F(THDVc, 230, F32, 4, 1,   \
                                                                          "%") F(THDIa, 234, F32,  \
                                                                                 4, 1, "%")        \
                                                                            F(THDIb, 238, F32, 4,  \
                                                                              1, "%") F(THDIc,     \
                                                                                        242, F32,  \
                                                                                        4, 1, "%") \
                                                                                F(conversion_flag, \
                                                                                  246, U8, 1, 1,   \
                                                                                  "") F(reserved,  \
                                                                                        247, HEX,  \
                                                                                        10, 1, "")

/* Answers to 20, 21, 22, 51. */
#define SG_NBR_PARAMETER_FIELDS(F)                                                                 \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(now, 6, STAMP, 6, 1, "")                                                                     \
    F(weekday, 12, BCD, 1, 1, "")                                                                  \
    F(last_interval, 13, STAMP, 6, 1, "")                                                          \
    F(last_reset, 19, STAMP, 6, 1, "")                                                             \
    F(previous_reset, 25, STAMP, 6, 1, "")                                                         \
    F(peak_starts, 51, HM, 2, 4, "")                                                               \
    F(off_peak_starts, 59, HM, 2, 4, "") F(reserved_starts, 67, HM, 2, 4, "")                      \
        F(words, 75, BCD, 3, 1, "") F(words_previous, 78, BCD, 3, 1, "")                           \
            F(resets, 81, BCD, 1, 1, "") F(demand_interval, 82, BCD, 1, 1, "min")                  \
                F(demand_interval_before, 83, BCD, 1, 1, "min") F(holidays, 84, DMY, 3, 15, "")    \
                    F(constants, 129, BCD, 3, 6, "") F(battery, 147, HEX, 1, 1, "")                \
                        F(software, 148, BCD, 2, 1, "") F(reserved_post, 150, HEX, 1, 1, "") F(    \
                            demand_form, 151, HEX, 1, 1, "") F(model, 153, BCD, 2, 1, "")          \
                            F(auto_reset, 155, HEX, 3, 1, "") F(dst_on, 158, HEX, 1, 1, "") F(     \
                                dst_dates, 159, DM, 2, 2,                                          \
                                "") F(second_set_flags, 163, HEX, 9, 1, "")                        \
                                F(second_set, 172, HM, 2, 12, "") F(channels, 196, BCD, 1, 3, "")  \
                                    F(power_factor_form, 199, HEX, 1, 1,                           \
                                      "") F(clock_base, 200, HEX, 1, 1, "")                        \
                                        F(memory_interval, 204, BCD, 1, 3,                         \
                                          "min, s, 1/100 s") F(reversal, 207, HEX, 1, 1, "")       \
                                            F(special_days, 210, HEX, 3, 1,                        \
                                              "") F(tariff, 213, HEX, 1, 1, "")                    \
                                                F(reactive_intervals, 214, HEX, 4, 1, "") F(       \
                                                    power_factor_references, 218, BCD, 1, 2,       \
                                                    "") F(reactive_posts, 220, HM, 2, 8, "")       \
                                                    F(measurement_parameters, 240, HEX, 1, 1,      \
                                                      "") F(user_output, 241, HEX, 1, 1, "")       \
                                                        F(password_state, 245, HEX, 1, 1,          \
                                                          "") F(instantaneous, 246, HEX, 1, 1, "") \
                                                            F(channel_groups, 247, BCD, 1, 1, "")  \
                                                                F(reset_hour, 249, HEX, 1, 1, "")

/* Answers to 23 and 24: general and six posts each. */
#define SG_NBR_REGISTER_FIELDS(F)                                                                  \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(channel1_totals, 6, BCD, 5, 7, "pulses")                                                     \
    F(channel1_demands, 41, BCD, 3, 7, "pulses") F(channel1_accumulated, 62, BCD, 3, 6, "pulses")  \
        F(channel2_totals, 80, BCD, 5, 7, "pulses") F(channel2_demands, 115, BCD, 3, 7, "pulses")  \
            F(channel2_accumulated, 136, BCD, 3, 6, "pulses")                                      \
                F(channel3_totals, 154, BCD, 5, 7, "pulses")                                       \
                    F(channel3_demands, 189, BCD, 3, 7, "pulses")                                  \
                        F(channel3_accumulated, 210, BCD, 3, 6, "pulses")                          \
                            F(intermediate, 228, HEX, 22, 1, "")

/* Answer to 25: failure, return, failure, ... */
#define SG_NBR_FAILURE_FIELDS(F)                                                                   \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(failures, 6, STAMP, 6, 40, "failure, return")

/* Answers to 26, 27, 52. */
#define SG_NBR_MEMORY_FIELDS(F)                                                                    \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(last, 6, HIGH, 1, 1, "") F(block, 6, BLOCK_NO, 2, 1, "") F(words, 8, W12, 249, 166, "pulses")

/* Answer to 28: code, reader, when. */
#define SG_NBR_ALTERATION_FIELDS(F)                                                                \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(alterations, 6, HEX, 10, 25, "code reader hms dmy")

/* Answer to 80. */
#define SG_NBR_MEASUREMENT_FIELDS(F)                                                               \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(display, 6, HEX, 7, 1, "")                                                                   \
    F(posts, 14, HEX, 128, 1, "") F(constants, 142, HEX, 24, 1, "")                                \
        F(connection, 195, HEX, 1, 1, "") F(user_output, 196, HEX, 1, 1, "")                       \
            F(kp, 197, HEX, 6, 1, "") F(consumer, 203, TEXT, 14, 1, "")

#define SG_NBR_SEED_FIELDS(F) SG_NBR_ANSWER_HEAD(F) F(seed, 6, HEX, 10, 1, "")
#define SG_NBR_SESSION_FIELDS(F)                                                                   \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(write_ok, 6, U8, 1, 1, "") F(read_ok, 7, U8, 1, 1, "") F(user, 8, U8, 1, 1, "")
#define SG_NBR_UNKNOWN_COMMAND_FIELDS(F) SG_NBR_ANSWER_HEAD(F) F(refused_command, 6, HEX, 1, 1, "")
#define SG_NBR_OCCURRENCE_FIELDS(F)                                                                \
    SG_NBR_ANSWER_HEAD(F) F(occurrence, 6, HEX, 1, 1, "") F(sub_code, 7, HEX, 1, 1, "")
#define SG_NBR_RELAY_AB_ANSWER_FIELDS(F)                                                           \
    SG_NBR_ANSWER_HEAD(F)                                                                          \
    F(sub_command, 6, HEX, 1, 1, "") F(write, 7, U8, 1, 1, "") F(state, 8, U8, 1, 1, "")

/* Commands. */
#define SG_NBR_PLAIN_COMMAND_FIELDS(F) SG_NBR_COMMAND_HEAD(F)
#define SG_NBR_SESSION_COMMAND_FIELDS(F)                                                           \
    SG_NBR_COMMAND_HEAD(F)                                                                         \
    F(write_token, 5, HEX, 10, 1, "") F(read_token, 15, HEX, 10, 1, "") F(user, 25, U8, 1, 1, "")
#define SG_NBR_GROUP_COMMAND_FIELDS(F)                                                             \
    SG_NBR_COMMAND_HEAD(F) F(option, 5, HEX, 1, 1, "") F(channel_group, 6, HEX, 1, 1, "")
#define SG_NBR_PERIOD_COMMAND_FIELDS(F) SG_NBR_COMMAND_HEAD(F) F(current_period, 5, U8, 1, 1, "")
#define SG_NBR_COMPOSITE_COMMAND_FIELDS(F)                                                         \
    SG_NBR_COMMAND_HEAD(F) F(step, 5, U8, 1, 1, "0 start, 1 next, 2 repeat")
#define SG_NBR_DATE_COMMAND_FIELDS(F)                                                              \
    SG_NBR_COMMAND_HEAD(F) F(date, 5, DMY, 3, 1, "") F(weekday, 8, BCD, 1, 1, "1 = Sunday")
#define SG_NBR_TIME_COMMAND_FIELDS(F) SG_NBR_COMMAND_HEAD(F) F(time, 5, HMS, 3, 1, "")
#define SG_NBR_INTERVAL_COMMAND_FIELDS(F)                                                          \
    SG_NBR_COMMAND_HEAD(F) F(demand_interval, 5, BCD, 1, 1, "min")
#define SG_NBR_HOLIDAY_COMMAND_FIELDS(F)  SG_NBR_COMMAND_HEAD(F) F(holidays, 5, DMY, 3, 15, "")
#define SG_NBR_CONSTANT_COMMAND_FIELDS(F) SG_NBR_COMMAND_HEAD(F) F(constants, 5, BCD, 3, 6, "")
#define SG_NBR_SEGMENT_COMMAND_FIELDS(F)                                                           \
    SG_NBR_COMMAND_HEAD(F) F(starts, 5, HM, 2, 16, "") F(segments, 37, U8, 1, 1, "")
#define SG_NBR_CLEAR_COMMAND_FIELDS(F) SG_NBR_COMMAND_HEAD(F) F(occurrence, 5, HEX, 1, 1, "")
#define SG_NBR_DST_COMMAND_FIELDS(F)                                                               \
    SG_NBR_COMMAND_HEAD(F) F(on, 5, U8, 1, 1, "") F(dates, 6, DM, 2, 2, "")
#define SG_NBR_DISPLAY_COMMAND_FIELDS(F)                                                           \
    SG_NBR_COMMAND_HEAD(F) F(show, 5, U8, 1, 1, "") F(codes, 6, HEX, 1, 59, "")
#define SG_NBR_CONSUMER_COMMAND_FIELDS(F)                                                          \
    SG_NBR_COMMAND_HEAD(F) F(read, 5, U8, 1, 1, "") F(consumer, 6, TEXT, 14, 1, "")
#define SG_NBR_EXTENDED_COMMAND_FIELDS(F)                                                          \
    SG_NBR_COMMAND_HEAD(F) F(sub_code, 5, HEX, 1, 1, "") F(argument, 6, HEX, 1, 1, "")
/* Load control is not in the standard: two vendors' ways. */
#define SG_NBR_RELAY_AB_COMMAND_FIELDS(F)                                                          \
    SG_NBR_COMMAND_HEAD(F)                                                                         \
    F(sub_command, 5, HEX, 1, 1, "") F(write, 6, U8, 1, 1, "") F(state, 7, U8, 1, 1, "1 connected")
#define SG_NBR_RELAY_E2_COMMAND_FIELDS(F)                                                          \
    SG_NBR_COMMAND_HEAD(F)                                                                         \
    F(sub_command, 5, HEX, 1, 1, "") F(action, 6, HEX, 1, 1, "00 read, DE cut, C0 reconnect")

/* L(id, FIELDS list, name): every layout. */
#define SG_NBR_LAYOUTS(L)                                                                          \
    L(INSTANT, SG_NBR_INSTANT_FIELDS, "instantaneous quantities")                                  \
    L(PARAMETER, SG_NBR_PARAMETER_FIELDS, "parameters")                                            \
    L(REGISTER, SG_NBR_REGISTER_FIELDS, "registers")                                               \
    L(FAILURE, SG_NBR_FAILURE_FIELDS, "power failures")                                            \
    L(MEMORY, SG_NBR_MEMORY_FIELDS, "mass memory")                                                 \
    L(ALTERATION, SG_NBR_ALTERATION_FIELDS, "alteration log")                                      \
    L(MEASUREMENT, SG_NBR_MEASUREMENT_FIELDS, "measurement parameters")                            \
    L(SEED, SG_NBR_SEED_FIELDS, "session seed")                                                    \
    L(SESSION, SG_NBR_SESSION_FIELDS, "session")                                                   \
    L(UNKNOWN_COMMAND, SG_NBR_UNKNOWN_COMMAND_FIELDS, "command not implemented")                   \
    L(OCCURRENCE, SG_NBR_OCCURRENCE_FIELDS, "occurrence")                                          \
    L(RELAY_AB_ANSWER, SG_NBR_RELAY_AB_ANSWER_FIELDS, "relay")                                     \
    L(PLAIN_ANSWER, SG_NBR_ANSWER_HEAD, "answer")                                                  \
    L(PLAIN_COMMAND, SG_NBR_PLAIN_COMMAND_FIELDS, "command")                                       \
    L(SESSION_COMMAND, SG_NBR_SESSION_COMMAND_FIELDS, "session")                                   \
    L(GROUP_COMMAND, SG_NBR_GROUP_COMMAND_FIELDS, "read parameters")                               \
    L(PERIOD_COMMAND, SG_NBR_PERIOD_COMMAND_FIELDS, "read power failures")                         \
    L(COMPOSITE_COMMAND, SG_NBR_COMPOSITE_COMMAND_FIELDS, "read mass memory")                      \
    L(DATE_COMMAND, SG_NBR_DATE_COMMAND_FIELDS, "set date")                                        \
    L(TIME_COMMAND, SG_NBR_TIME_COMMAND_FIELDS, "set time")                                        \
    L(INTERVAL_COMMAND, SG_NBR_INTERVAL_COMMAND_FIELDS, "set demand interval")                     \
    L(HOLIDAY_COMMAND, SG_NBR_HOLIDAY_COMMAND_FIELDS, "set holidays")                              \
    L(CONSTANT_COMMAND, SG_NBR_CONSTANT_COMMAND_FIELDS, "set constants")                           \
    L(SEGMENT_COMMAND, SG_NBR_SEGMENT_COMMAND_FIELDS, "set time segments")                         \
    L(CLEAR_COMMAND, SG_NBR_CLEAR_COMMAND_FIELDS, "clear occurrence")                              \
    L(DST_COMMAND, SG_NBR_DST_COMMAND_FIELDS, "set daylight saving time")                          \
    L(DISPLAY_COMMAND, SG_NBR_DISPLAY_COMMAND_FIELDS, "set display codes")                         \
    L(CONSUMER_COMMAND, SG_NBR_CONSUMER_COMMAND_FIELDS, "installation code")                       \
    L(EXTENDED_COMMAND, SG_NBR_EXTENDED_COMMAND_FIELDS, "extended")                                \
    L(RELAY_AB_COMMAND, SG_NBR_RELAY_AB_COMMAND_FIELDS, "load control")                            \
    L(RELAY_E2_COMMAND, SG_NBR_RELAY_E2_COMMAND_FIELDS, "load control")

enum sg_nbr_layout_id {
#define SG_L(id, list, name) SG_NBR_LAYOUT_##id,
    SG_NBR_LAYOUTS(SG_L)
#undef SG_L
        SG_NBR_N_LAYOUTS
};

struct sg_nbr_field {
    const char *name;
    uint16_t octet; /* first, from 1 */
    enum sg_nbr_type type;
    uint8_t len;   /* octets of one element; W12: of all */
    uint8_t count; /* elements */
    const char *unit;
};

struct sg_nbr_layout {
    const char *name;
    const struct sg_nbr_field *fields;
    size_t n;
};

extern const struct sg_nbr_layout sg_nbr_layouts[SG_NBR_N_LAYOUTS];

/* The layout of a block: by its code, by the direction, by sub-commands where vendors have them.
 * A code without a known layout has its head only. */
const struct sg_nbr_layout *sg_nbr_layout_of(struct sg_bytes block, bool answer);
/* By name, NULL if absent. */
const struct sg_nbr_field *sg_nbr_field_named(const struct sg_nbr_layout *l, const char *name);

enum sg_nbr_value_kind { SG_NBR_NONE, SG_NBR_NUMBER, SG_NBR_REAL, SG_NBR_STRING };
struct sg_nbr_value {
    enum sg_nbr_value_kind kind;
    int64_t number;
    float real;
    char text[260]; /* STRING; of a strange octet: "0x" and hexadecimal digits */
};

/* Element i of the field.  Asserts i < count and that the block is long enough. */
void sg_nbr_get(const struct sg_nbr_field *f, struct sg_bytes block, size_t i,
                struct sg_nbr_value *ret);
/* -EINVAL: the value does not fit the field. */
SG_MUST_USE int sg_nbr_set(const struct sg_nbr_field *f, uint8_t *block, size_t block_len, size_t i,
                           const struct sg_nbr_value *v);
/* One 12-bit word of a run of triplets. */
unsigned sg_nbr_word(const uint8_t *triplets, size_t i);

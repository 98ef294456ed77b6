#pragma once
/*
 * ranking-file - a ranking that was written (ranking.h), read again: customer,score,rank,reasons in
 * any order of columns, further ones free, rank and reasons not wanted.
 */
#include <sealgrid/base/bytes.h>
#include <sealgrid/base/error.h>
#include <sealgrid/fraud/days.h>

struct ranked {
    char id[SG_FRAUD_ID_MAX + 1];
    double score;
    uint32_t at; /* its line in the file, from 0 */
};

struct ranking_file {
    struct ranked *list; /* highest score first, equal ones as in the file */
    size_t n, room;
};
void ranking_file_clear(struct ranking_file *r);

enum ranking_file_outcome { RANKING_FILE_BAD = 1 };
/* "line 7, column 2: score: not a number" */
#define RANKING_FILE_WHY_MAX 160
SG_MUST_USE int ranking_file_parse(struct ranking_file *ret, struct sg_bytes text,
                                   char why[RANKING_FILE_WHY_MAX]);
SG_MUST_USE int ranking_file_read(struct ranking_file *ret, const char *path,
                                  char why[RANKING_FILE_WHY_MAX]);

#include "model-int.h"
#include <sealgrid/base/clock.h>
#include <stdio.h>
#include <zlib.h>

#define ROWS_MAX       4000000u
#define LINE_MAX_LEN   4096
#define ZERO_HOURS_MAX 2

struct sg_load_data {
    float (*hours)[24];
    double *before; /* n + 1 sums */
    uint8_t *weekday;
    uint32_t n_rows, room;
    struct sg_load_building *buildings;
    uint32_t n_buildings, buildings_room;
    char last_name[LINE_MAX_LEN];
};

void sg_load_data_free(struct sg_load_data *d)
{
    if (!d)
        return;
    free(d->hours);
    free(d->before);
    free(d->weekday);
    free(d->buildings);
    free(d);
}

static int grow_rows(struct sg_load_data *d)
{
    if (d->n_rows < d->room)
        return 0;
    if (d->n_rows >= ROWS_MAX)
        return sg_raise(-EFBIG);
    uint32_t room = d->room ? d->room * 2 : 4096;
    float(*hours)[24] = realloc(d->hours, room * sizeof(*hours));
    if (!hours)
        return sg_raise(-ENOMEM);
    d->hours = hours;
    uint8_t *weekday = realloc(d->weekday, room);
    if (!weekday)
        return sg_raise(-ENOMEM);
    d->weekday = weekday;
    d->room = room;
    return 0;
}

static int begin_building(struct sg_load_data *d, const char *name)
{
    if (d->n_buildings == d->buildings_room) {
        uint32_t room = d->buildings_room ? d->buildings_room * 2 : 64;
        struct sg_load_building *b = realloc(d->buildings, room * sizeof(*b));
        if (!b)
            return sg_raise(-ENOMEM);
        d->buildings = b;
        d->buildings_room = room;
    }
    d->buildings[d->n_buildings++] = (struct sg_load_building){.first_row = d->n_rows};
    snprintf(d->last_name, sizeof(d->last_name), "%s", name);
    return 0;
}

/* Non-negative decimal, as the files have them; strtof is six times slower. */
static bool take_number(const char **at, float *ret)
{
    const char *p = *at;
    double v = 0, unit = 1;
    bool digits = false;
    for (; *p >= '0' && *p <= '9'; p++, digits = true)
        v = v * 10 + (*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, digits = true) {
            unit /= 10;
            v += (*p - '0') * unit;
        }
    *at = p;
    *ret = (float)v;
    return digits;
}

/* false: not a row to use. */
static bool parse_hours(const char *p, float ret[24])
{
    unsigned zeros = 0;
    for (int h = 0; h < 24; h++) {
        if (*p++ != ',' || !take_number(&p, &ret[h]))
            return false;
        zeros += ret[h] == 0;
    }
    return zeros <= ZERO_HOURS_MAX;
}

static bool parse_weekday(const char *date, uint8_t *ret)
{
    int y;
    unsigned m, d;
    if (sscanf(date, "%4d-%2u-%2u", &y, &m, &d) != 3 || m < 1 || m > 12 || d < 1 || d > 31)
        return false;
    *ret = (uint8_t)((sg_days_from_civil(y, m, d) + 4) % 7);
    return true;
}

static int take_line(struct sg_load_data *d, char *line)
{
    float hours[24];
    uint8_t weekday;
    char *date = strchr(line, ',');
    char *rest = date ? strchr(date + 1, ',') : NULL;
    if (!rest || !parse_weekday(date + 1, &weekday) || !parse_hours(rest, hours))
        return 0;
    *date = 0;
    int r = grow_rows(d);
    if (r)
        return r;
    if (d->n_buildings == 0 || strcmp(line, d->last_name) != 0) {
        r = begin_building(d, line);
        if (r)
            return r;
    }
    memcpy(d->hours[d->n_rows], hours, sizeof(hours));
    d->weekday[d->n_rows++] = weekday;
    d->buildings[d->n_buildings - 1].n_rows++;
    return 0;
}

static int sum_up(struct sg_load_data *d)
{
    if (d->n_rows == 0)
        return sg_raisef(-EBADMSG, "no daily row with 24 hours");
    d->before = calloc(d->n_rows + 1, sizeof(*d->before));
    if (!d->before)
        return sg_raise(-ENOMEM);
    for (uint32_t i = 0; i < d->n_rows; i++) {
        double day = 0;
        for (int h = 0; h < 24; h++)
            day += (double)d->hours[i][h];
        d->before[i + 1] = d->before[i] + day;
    }
    for (uint32_t i = 0; i < d->n_buildings; i++) {
        struct sg_load_building *b = &d->buildings[i];
        b->daily_kwh = (d->before[b->first_row + b->n_rows] - d->before[b->first_row]) / b->n_rows;
    }
    return 0;
}

static int read_lines(struct sg_load_data *d, gzFile in)
{
    char line[LINE_MAX_LEN];
    int problem;
    while (gzgets(in, line, sizeof(line))) {
        int r = take_line(d, line);
        if (r)
            return r;
    }
    gzerror(in, &problem);
    return problem == Z_OK || problem == Z_STREAM_END ? 0 : sg_raise(-EIO);
}

int sg_load_data_open(struct sg_load_data **ret, const char *path)
{
    SG_CLEANUP(sg_load_data_freep) struct sg_load_data *d = calloc(1, sizeof(*d));
    if (!d)
        return sg_raise(-ENOMEM);
    gzFile in = gzopen(path, "rb");
    if (!in)
        return sg_raise(errno ? -errno : -ENOMEM);
    (void)gzbuffer(in, 1u << 18);
    int r = read_lines(d, in);
    gzclose(in);
    if (r == 0)
        r = sum_up(d);
    if (r)
        return r;
    *ret = TAKE_PTR(d);
    return 0;
}

size_t sg_load_data_buildings(const struct sg_load_data *d)
{
    return d->n_buildings;
}

size_t sg_load_data_rows(const struct sg_load_data *d)
{
    return d->n_rows;
}

const struct sg_load_building *sg_load_data_building(const struct sg_load_data *d, uint32_t i)
{
    return &d->buildings[i];
}

const float *sg_load_data_hours(const struct sg_load_data *d, uint32_t row)
{
    return d->hours[row];
}

double sg_load_data_before(const struct sg_load_data *d, uint32_t row)
{
    return d->before[row];
}

unsigned sg_load_data_weekday(const struct sg_load_data *d, uint32_t row)
{
    return d->weekday[row];
}

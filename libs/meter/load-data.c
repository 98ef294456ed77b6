#include "model-int.h"
#include <sealgrid/meter/daily-rows.h>
#include <stdio.h>

#define ROWS_MAX       4000000u
#define ZERO_HOURS_MAX 2

struct sg_load_data {
    float (*hours)[24];
    double *before; /* n + 1 sums */
    uint8_t *weekday;
    uint32_t n_rows, room;
    struct sg_load_building *buildings;
    uint32_t n_buildings, buildings_room;
    char last_name[SG_DAILY_NAME_MAX + 1];
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

static unsigned zeros_of(const float *hours)
{
    unsigned zeros = 0;
    for (int h = 0; h < 24; h++)
        zeros += hours[h] == 0;
    return zeros;
}

static int take_row(struct sg_load_data *d, const struct sg_daily_row *row)
{
    char name[SG_DAILY_NAME_MAX + 1];
    if (row->missing || zeros_of(row->load) > ZERO_HOURS_MAX)
        return 0;
    int r = grow_rows(d);
    if (r)
        return r;
    memcpy(name, row->customer.data, row->customer.len);
    name[row->customer.len] = 0;
    if (d->n_buildings == 0 || strcmp(name, d->last_name) != 0) {
        r = begin_building(d, name);
        if (r)
            return r;
    }
    memcpy(d->hours[d->n_rows], row->load, sizeof(*d->hours));
    d->weekday[d->n_rows++] = (uint8_t)((row->weekday + 1) % 7);
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

static int refuse(const struct sg_daily_error *why)
{
    return sg_raisef(-EBADMSG, "line %llu, column %u: %s", (unsigned long long)why->line,
                     why->column, why->text);
}

static int read_rows(struct sg_load_data *d, struct sg_daily *in)
{
    struct sg_daily_error why;
    struct sg_daily_row row;
    int r;
    if (sg_daily_points(in) != 24)
        return sg_raisef(-EBADMSG, "load shapes must be hourly");
    while ((r = sg_daily_next(in, &row, &why)) == 0) {
        r = take_row(d, &row);
        if (r)
            return r;
    }
    return r == SG_DAILY_END ? 0 : r == SG_DAILY_BAD ? refuse(&why) : r;
}

int sg_load_data_open(struct sg_load_data **ret, const char *path)
{
    SG_CLEANUP(sg_load_data_freep) struct sg_load_data *d = calloc(1, sizeof(*d));
    SG_CLEANUP(sg_daily_freep) struct sg_daily *in = NULL;
    struct sg_daily_error why;
    if (!d)
        return sg_raise(-ENOMEM);
    int r = sg_daily_open(&in, path, &why);
    if (r)
        return r == SG_DAILY_BAD ? refuse(&why) : r;
    r = read_rows(d, in);
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

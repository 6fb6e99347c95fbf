// SPDX-License-Identifier: MIT
#include "worker/look/map_list.h"

#include <math.h>
#include <stdlib.h>

#include "common/system/rng.h"
#include "worker/team/row_exchange.h"

void map_list_begin(struct map_list *list, struct team *team, int width, int height)
{
    *list = (struct map_list){.cells = cells_of(width, height), .team = team};
}

void map_list_destroy(struct map_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->items[i].values);
    *list = (struct map_list){0};
}

static enum status add(struct map_list *list, enum explained_map kind, int target, cells_row *row, const void *map)
{
    struct listed_map *item = &list->items[list->count];
    if (!list->team)
        return STATUS_OK;
    enum status rc = ALLOCATE(item->values, (size_t)cells_count(&list->cells), "for the cells of a map");
    TRY(team_agree(list->team, rc));
    *item = (struct listed_map){.kind = kind, .target = target, .values = item->values};
    list->count++;
    return row ? cells_means(&list->cells, list->team, row, map, item->values) : STATUS_OK;
}

// What a row is made of.
struct view {
    const struct cells *cells;
    const struct slab *slab;
    const struct heat *heat;
    const float *below; // the row under the last one of the slab, (3, width); NULL: there is none
};

static void heat_alone(const void *map, int y, float *out)
{
    const struct view *v = map;
    heat_row(v->heat, v->cells->picture_width, v->cells->picture_height, y, out);
}

static void largest(const void *map, int y, float *out)
{
    const struct view *v = map;
    const float *rgb[3] = {slab_row(v->slab, 0, y), slab_row(v->slab, 1, y), slab_row(v->slab, 2, y)};
    if (v->heat)
        heat_alone(map, y, out);
    for (int x = 0; x < v->slab->width; x++) {
        const float most = fmaxf(fabsf(rgb[0][x]), fmaxf(fabsf(rgb[1][x]), fabsf(rgb[2][x])));
        out[x] = v->heat ? most * out[x] : most;
    }
}

static void first_plane(const void *map, int y, float *out)
{
    const struct view *v = map;
    const float *in = slab_row(v->slab, 0, y);
    for (int x = 0; x < v->slab->width; x++)
        out[x] = in[x];
}

static void sum_of_planes(const void *map, int y, float *out)
{
    const struct view *v = map;
    const float *rgb[3] = {slab_row(v->slab, 0, y), slab_row(v->slab, 1, y), slab_row(v->slab, 2, y)};
    for (int x = 0; x < v->slab->width; x++)
        out[x] = rgb[0][x] + rgb[1][x] + rgb[2][x];
}

// Rec. 601.
static float lightness(const float *const rgb[3], int x)
{
    return 0.299f * rgb[0][x] + 0.587f * rgb[1][x] + 0.114f * rgb[2][x];
}

static void edges(const void *map, int y, float *out)
{
    const struct view *v = map;
    const bool last = y + 1 == v->slab->rows.end;
    const float *rgb[3], *under[3];
    for (int c = 0; c < 3; c++) {
        rgb[c] = slab_row(v->slab, c, y);
        under[c] = !last ? slab_row(v->slab, c, y + 1) : v->below ? v->below + (size_t)c * (size_t)v->slab->width : rgb[c];
    }
    for (int x = 0; x < v->slab->width; x++) {
        const float here = lightness(rgb, x), right = lightness(rgb, x + 1 < v->slab->width ? x + 1 : x);
        out[x] = fabsf(right - here) + fabsf(lightness(under, x) - here);
    }
}

enum status map_list_add_heat(struct map_list *list, enum explained_map kind, int target, const struct heat *heat)
{
    return add(list, kind, target, heat_alone, &(struct view){.cells = &list->cells, .heat = heat});
}

enum status map_list_add_largest(struct map_list *list, enum explained_map kind, int target, const struct slab *slab,
                                 const struct heat *times)
{
    return add(list, kind, target, largest, &(struct view){.cells = &list->cells, .slab = slab, .heat = times});
}

enum status map_list_add_plane(struct map_list *list, enum explained_map kind, const struct slab *slab)
{
    return add(list, kind, -1, first_plane, &(struct view){.slab = slab});
}

enum status map_list_add_sum(struct map_list *list, enum explained_map kind, const struct slab *slab)
{
    return add(list, kind, -1, sum_of_planes, &(struct view){.slab = slab});
}

enum status map_list_add_edges(struct map_list *list, const struct slab *picture)
{
    struct row_exchange *neighbours = NULL;
    enum status rc = row_exchange_create_neighbours(&neighbours, list->team, picture->width, picture->height);
    TRY_OUT(team_agree(list->team, rc));
    TRY_OUT(row_exchange_begin(neighbours, picture));
    TRY_OUT(row_exchange_end(neighbours));
    rc = add(list, EXPLAINED_EDGES, -1, edges, &(struct view){.slab = picture, .below = row_exchange_values(neighbours, 1)});
out:
    row_exchange_destroy(&neighbours);
    return rc;
}

enum status map_list_add_random(struct map_list *list, uint64_t seed, uint64_t picture)
{
    TRY(add(list, EXPLAINED_RANDOM, -1, NULL, NULL));
    float *values = list->items[list->count - 1].values;
    for (int i = 0; i < cells_count(&list->cells); i++) {
        const uint32_t counter[4] = {(uint32_t)i, (uint32_t)picture, (uint32_t)(picture >> 32), EXPLAINED_RANDOM};
        values[i] = (float)(rng_philox(seed, counter).values[0] >> 8);
    }
    return STATUS_OK;
}

const struct listed_map *map_list_find(const struct map_list *list, enum explained_map kind, int target)
{
    for (int i = 0; i < list->count; i++)
        if (list->items[i].kind == kind && list->items[i].target == target)
            return &list->items[i];
    return NULL;
}

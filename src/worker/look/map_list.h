// SPDX-License-Identifier: MIT
// The maps of an explanation as means over cells of the picture, to be judged: every one that explain.h5 has, the picture's edges, and one
// by chance.
#pragma once

#include "common/picture/heat.h"
#include "common/wire/messages.h"
#include "worker/look/cells.h"

struct map_list {
    struct cells cells;
    struct team *team;
    int count;
    struct listed_map {
        enum explained_map kind;
        int target;    // -1: of the whole loss
        float *values; // [cells_count()]
    } items[EXPLAINED_MAPS_MAX];
};

// For a picture of width x height. Destroy it also after a failure; a zeroed one is fine, and takes no maps.
void map_list_begin(struct map_list *list, struct team *team, int width, int height);
void map_list_destroy(struct map_list *list);

// Collective, all but the last: a map more. Of a target's heat; the largest |value| of the three planes, times a heat or, where that is
// NULL, by itself; the first plane; the sum of the planes; |dx| + |dy| of a picture's lightness.
enum status map_list_add_heat(struct map_list *list, enum explained_map kind, int target, const struct heat *heat) MUST_CHECK;
enum status map_list_add_largest(struct map_list *list, enum explained_map kind, int target, const struct slab *slab,
                                 const struct heat *times) MUST_CHECK;
enum status map_list_add_plane(struct map_list *list, enum explained_map kind, const struct slab *slab) MUST_CHECK;
enum status map_list_add_sum(struct map_list *list, enum explained_map kind, const struct slab *slab) MUST_CHECK;
enum status map_list_add_edges(struct map_list *list, const struct slab *picture) MUST_CHECK;
enum status map_list_add_random(struct map_list *list, uint64_t seed, uint64_t picture) MUST_CHECK;

// The map of a kind and target; NULL: it is not in the list.
const struct listed_map *map_list_find(const struct map_list *list, enum explained_map kind, int target);

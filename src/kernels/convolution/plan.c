// SPDX-License-Identifier: MIT
#include "kernels/convolution/plan.h"

#include <string.h>

const int plan_sides[PLAN_SIZES] = {128, 256, 512};

int plan_size(int width, int height)
{
    const double area = (double)width * height;
    int size = 0;
    // the nearest by the ratio of areas: the border between two is their geometric mean
    while (size + 1 < PLAN_SIZES && area > (double)plan_sides[size] * plan_sides[size + 1])
        size++;
    return size;
}

const struct plan_entry *plan_find(const struct plan *plan, const struct conv_spec *spec, int size)
{
    const struct plan_entry *entry = &plan->entries[size][spec->backward][spec->parts[0]];
    bool same = entry->known && entry->part_count == spec->part_count;
    for (int p = 0; same && p < spec->part_count; p++)
        same = entry->parts[p] == spec->parts[p];
    return same ? entry : NULL;
}

void plan_set(struct plan *plan, const struct conv_spec *spec, int size, enum conv_method method, double seconds)
{
    struct plan_entry *entry = &plan->entries[size][spec->backward][spec->parts[0]];
    *entry =
        (struct plan_entry){.known = true, .method = (uint8_t)method, .part_count = (uint8_t)spec->part_count, .seconds = (float)seconds};
    for (int p = 0; p < spec->part_count; p++)
        entry->parts[p] = (uint8_t)spec->parts[p];
}

enum conv_method plan_method(const struct plan *plan, const struct conv_spec *spec, int width, int height)
{
    const struct plan_entry *entry = plan_find(plan, spec, plan_size(width, height));
    return entry ? (enum conv_method)entry->method : CONV_DIRECT;
}

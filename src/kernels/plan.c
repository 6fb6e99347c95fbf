// SPDX-License-Identifier: MIT
#include "kernels/plan.h"

#include <assert.h>
#include <string.h>

const int plan_sides[PLAN_SIZES] = {128, 256, 512};

void plan_fixed(struct plan *plan)
{
    static_assert(CONV_DIRECT == 0, "zeros are the plan");
    memset(plan, 0, sizeof *plan);
}

const struct plan_size *plan_for(const struct plan *plan, int width, int height)
{
    const double area = (double)width * height;
    int size = 0;
    // the nearest by the ratio of areas: the border between two is their geometric mean
    while (size + 1 < PLAN_SIZES &&
           area * area > (double)plan_sides[size] * plan_sides[size] * plan_sides[size + 1] * plan_sides[size + 1])
        size++;
    return &plan->sizes[size];
}

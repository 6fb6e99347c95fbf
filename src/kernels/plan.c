// SPDX-License-Identifier: MIT
#include "kernels/plan.h"

#include <assert.h>
#include <string.h>

void plan_fixed(struct plan *plan, const struct network *network)
{
    assert(network->conv_count <= PLAN_CONVS_MAX);
    memset(plan, 0, sizeof *plan);
    for (int i = 0; i < network->conv_count; i++)
        plan->backward[i].flipped = network->layers[network->convs[i]].stride == 1;
}

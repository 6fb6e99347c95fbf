// SPDX-License-Identifier: MIT
// The plan that a test's environment asks for, so that the same tests hold for every method and precision:
// TEST_METHOD=winograd8 (by conv_method_name(); operations that it cannot do are direct), TEST_PRECISION=bf16.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernels/execution/planner.h"

static inline enum status forced_plan(struct plan *plan, const struct network *network, const float *weights, const int *targets,
                                      int target_count)
{
    const char *name = getenv("TEST_METHOD"), *precision = getenv("TEST_PRECISION");
    enum conv_method method = CONV_DIRECT;
    if (name && !conv_method_find(name, &method))
        return fail(STATUS_USAGE, "TEST_METHOD: there is no method %s", name);
    *plan = (struct plan){.bf16 = precision && strcmp(precision, "bf16") == 0};
    if (method == CONV_DIRECT)
        return STATUS_OK;
    return planner_fixed(
        &(struct planner_options){.network = network, .weights = weights, .target_count = target_count, .targets = targets}, method, plan);
}

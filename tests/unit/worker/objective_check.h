// SPDX-License-Identifier: MIT
// An objective over a picture that the network has seen, and its slopes against the definition.
#pragma once

#include "job_setup.h"

static const int WIDTH = 107, HEIGHT = 91;

struct seen {
    struct setup setup;
    struct tile whole;
    struct objective_view view;
    struct executor *executor;
    double sums[CONFIG_TARGETS_MAX], loss, target_loss[CONFIG_TARGETS_MAX];
};

static inline void find_loss(struct seen *s)
{
    UNIT_OK(objective_sums(&s->setup.objective, s->executor, &s->view, s->sums));
    s->loss = objective_loss(&s->setup.objective, s->sums, s->view.values, s->target_loss);
}

// A picture forward through the network.
static inline void look_at_picture(struct seen *s)
{
    s->whole = whole_tile(WIDTH, HEIGHT);
    s->view = objective_view_of(&s->setup, &s->whole, WIDTH, HEIGHT);
    s->executor = forward_random(&s->setup, WIDTH, HEIGHT, 3);
    find_loss(s);
}

static inline void see(struct seen *s, const char *targets, enum config_objective objective)
{
    set_up(&s->setup, targets, objective);
    look_at_picture(s);
}

static inline size_t positions_of(struct executor *executor, int t)
{
    const struct tensor a = executor_target(executor, t);
    return (size_t)a.height * (size_t)a.width;
}

// slopes[t][c * positions + p], freed here, against what objective_gradient() leaves there: 0 where there is none.
static inline void check_slopes(struct seen *s, double *const *slopes)
{
    objective_gradient(&s->setup.objective, s->executor, &s->view);
    for (int t = 0; t < s->setup.objective.count; t++) {
        const size_t count = (size_t)executor_target(s->executor, t).channels * positions_of(s->executor, t);
        float *gradient = planar_target(s->executor, t);
        size_t wrong = 0, none = 0;
        for (size_t i = 0; i < count; i++) {
            wrong += slopes[t][i] == 0 && gradient[i] != 0;
            none += slopes[t][i] == 0;
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(none == count || naive_error(gradient, slopes[t], count) < 3e-7);
        free(gradient);
        free(slopes[t]);
    }
}

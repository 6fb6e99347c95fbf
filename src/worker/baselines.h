// SPDX-License-Identifier: MIT
// The baselines of expected gradients (config importance.baselines) for one picture.
#ifndef ONEIROS_WORKER_BASELINES_H
#define ONEIROS_WORKER_BASELINES_H

#include "common/config.h"
#include "common/messages.h"
#include "worker/field.h"
#include "worker/team.h"

enum { BASELINES_MAX = BASELINE_IMAGE + BASELINE_IMAGES_MAX };

struct baselines {
    int count;
    struct field fields[BASELINES_MAX]; // this member's rows of each, of the picture's size
    int kinds[BASELINES_MAX];           // enum baseline
    double blur_sigma;                  // pixels
};

// Collective. `images`: rows of other pictures, brought to this one's size, which it takes over: they are zeroed. Destroy it also after a
// failure.
enum status baselines_make(struct baselines *baselines, const struct config *config, struct team *team, const struct field *picture,
                           struct field *images, int image_count) MUST_CHECK;
void baselines_destroy(struct baselines *baselines);

#endif

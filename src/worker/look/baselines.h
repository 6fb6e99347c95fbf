// SPDX-License-Identifier: MIT
// The baselines of expected gradients (config importance.baselines) for one picture.
#pragma once

#include "common/config/config.h"
#include "common/wire/messages.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

enum { BASELINES_MAX = BASELINE_IMAGE + BASELINE_IMAGES_MAX };

struct baselines {
    int count;
    struct slab fields[BASELINES_MAX]; // this member's rows of each, of the picture's size
    int kinds[BASELINES_MAX];          // enum baseline
    double blur_sigma;                 // pixels
};

// Collective. `images`: rows of other pictures, brought to this one's size, which it takes over: they are zeroed. Destroy it also after a
// failure.
enum status baselines_make(struct baselines *baselines, const struct config *config, struct team *team, const struct slab *picture,
                           struct slab *images, int image_count) MUST_CHECK;
void baselines_destroy(struct baselines *baselines);

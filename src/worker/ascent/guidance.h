// SPDX-License-Identifier: MIT
// What steers the ascent besides the gradient g itself, between the network's way back and shaping:
//
//     masks         g *= (1 - s) + s M, with strength s, for the saliency map and for the class activation map M, each in [0, 1];
//     added terms   g = l2n(g) + a l2n(|g|) + b l2n(S) + c l2n(CAM g), clipped to [-1, 1], where any of a, b, c is not 0; S = max over RGB
//                   of |g|, for all three; l2n(v) = v / (l2 norm over the octave + 1e-8).
//
// Masks are maps on a coarse grid, looked at every so many steps; added terms are made of each step's own gradient.
#pragma once

#include "common/config/config.h"
#include "common/picture/heat.h"
#include "worker/team/slab.h"
#include "worker/team/team.h"

// Of one octave; begins with nothing but what is borrowed.
struct guidance {
    const struct config *config;
    struct team *team;
    struct heat saliency, cam; // of the last look
};

void guidance_destroy(struct guidance *guidance);

// Whether the configuration wants it to steer by a class activation map; by anything at all that guidance_look() and _apply() do.
bool guidance_wants_cam(const struct config *config);
bool guidance_is_on(const struct config *config);

// Collective. Renews the masks from the gradient as it comes from the network and from a class activation map, which it takes over: *cam is
// zeroed. The saliency of a gradient is the mean of max over RGB of |g| over cells of TILING_BAND x TILING_BAND pixels.
enum status guidance_look(struct guidance *guidance, const struct slab *gradient, struct heat *cam) MUST_CHECK;

// Collective, at every step. Changes the gradient, on all rows that it holds.
enum status guidance_apply(struct guidance *guidance, struct slab *gradient) MUST_CHECK;

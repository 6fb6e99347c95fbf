// SPDX-License-Identifier: MIT
// What an explanation sends on its way. A member that cannot send, for want of memory, goes on with the others until they all hear of it
// (explain_send_agree).
#pragma once

#include "worker/network/features.h"
#include "worker/network/image_job.h"

struct explain_send {
    struct image_job *job;
    bool silent;         // nothing is sent
    enum status failure; // this member's first
};

struct array_part explain_part(const struct explain_send *send, enum array_kind kind, int target, int variant);

// This member's rows of the first planes of a slab.
void explain_send_rows(struct explain_send *send, struct array_part part, const struct slab *slab, int channels);

// What all members have, from the first: (channels, height, width).
void explain_send_whole(struct explain_send *send, struct array_part part, int channels, int height, int width, const float *values);

// This member's activations of a target.
void explain_send_activations(struct explain_send *send, const struct features *features, int target);

// Collective: whether all members could send all.
enum status explain_send_agree(const struct explain_send *send) MUST_CHECK;

// SPDX-License-Identifier: MIT
// A frame of a clip as a job of its own (struct frame_job): a sequence that is taken up behind the frame before, and goes on by one.
#pragma once

#include "common/wire/messages.h"
#include "worker/network/image_job.h"

// Collective. `rows`: this member's rows of the frame, which become those of its dream. job->others are what came before; `ripe`:
// [frame->ripe] values, alike on all members. The first member sends the ripeness behind the frame.
enum status clip_frame_dream(struct image_job *job, const struct frame_job *frame, const float *ripe, struct slab *rows,
                             struct frame_facts *facts, struct image_outcome *outcome) MUST_CHECK;

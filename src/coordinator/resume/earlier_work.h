// SPDX-License-Identifier: MIT
// What earlier sessions have done, for the estimates of the one that goes on: of pictures that are done as their rows tell, of dreams that
// are not as the files tell from which they are gone on with, also those of pictures that nobody has looked at yet.
#pragma once

#include "coordinator/resume/resume.h"
#include "coordinator/schedule/dispatcher.h"

// Dreams of pictures that nobody has seen yet.
struct earlier_work {
    struct earlier_dream {
        char sha256[CHECKPOINT_NAME + 1]; // the first digits of the picture's
        double work, done;                // steps x pixels
    } * items;                            // [count]
    size_t count;
};

// Tells `progress`. A NULL resume is fine: there is nothing.
void earlier_work_count(struct earlier_work *earlier, const struct resume *resume, const struct run_setup *setup,
                        struct progress *progress);

// A picture has been seen, and counts by itself from now on. Returns what was done of its dream.
double earlier_work_see(struct earlier_work *earlier, const char *sha256, struct progress *progress);

void earlier_work_destroy(struct earlier_work *earlier); // a zeroed one is fine

// SPDX-License-Identifier: MIT
// What rank 0 finds out before the others start, perhaps in vain: the earlier run to go on with, the plan, the guide, the mask, who reads
// and writes.
#pragma once

#include <stdbool.h>

#include "common/picture/image.h"
#include "common/picture/mask.h"
#include "common/system/folder_lock.h"
#include "coordinator/resume/resume.h"
#include "job/job.h"

struct preparation {
    char model[FILE_PATH_MAX]; // the file with the weights
    struct folder_lock lock;   // of the output folder
    const char *output;        // that folder; borrowed
    int *lists;                // [list_count] copies of the inputs that are lists and no files
    int list_count;
    size_t made;           // of its path: up to the first folder that was not there; 0: all were
    struct resume *resume; // the run to go on with; NULL: a new one
    struct {
        int tile_size;      // of that run; 0: there is none
        bool nothing_left;  // to do: the rest is not filled in
        bool delegates;     // workers read and write by themselves
    } known;                // to all ranks when rank 0 has told them
    struct config recorded; // what the run file says of the configuration
    char *plan_text;        // of the file that config.plan names, or of the earlier run; NULL: of neither
    struct image guide;     // of the objective; empty if it needs none
    char guide_sha256[65];  // of its file; empty likewise
    struct mask mask;       // of dreams, feathered; empty: there is none
    char mask_sha256[65];   // of its file; empty likewise
};

// For so many ranks. The precision of options->config becomes that of the plan. The output folder is made and its lock taken, so that all
// can see that a run starts. With options->dry_run it is only found out whether that would do.
enum status preparation_make(struct preparation *preparation, struct job_options *options, int ranks) MUST_CHECK;

// Once all else is known to be well: sees that a file can be written in the output folder.
enum status preparation_check_output(struct preparation *preparation, const struct job_options *options) MUST_CHECK;

// Leaves the output folder to others; where nothing was written to it, it is as it was.
void preparation_leave(struct preparation *preparation);

// Frees what it owns; a zeroed one is fine.
void preparation_destroy(struct preparation *preparation);

// SPDX-License-Identifier: MIT
// From an input to pixels.
#pragma once

#include <sys/stat.h>

#include "common/config/config.h"
#include "common/picture/mask.h"
#include "common/wire/timing.h"
#include "coordinator/intake/intake.h"
#include "coordinator/task/task.h"
#include "media/picture/codec.h"

// Reads or downloads the input, takes its digest, decodes it. Fills the task's record (id, source, digest, size, seconds), name and image,
// as far as it comes; on failure the message says why. Downloads go through the folder `output`. `timing` gets what it took.
enum status load_task(struct task *task, const struct intake_entry *entry, const struct config *config, const char *output,
                      struct timing *timing) MUST_CHECK;

// The same in parts, for those who download elsewhere: what is known at once, and the rest, from the open file `descriptor` that a download
// went to (it stays the caller's; record->seconds_read is what it took) or, where that is -1, from what `source` names. Of a raster whose
// task->job is no dream the file is not kept.
void load_begin(struct task *task, const struct intake_entry *entry);
enum status load_pixels(struct task *task, enum intake_kind kind, const char *source, int descriptor, const struct config *config,
                        struct timing *timing) MUST_CHECK;

// What a picture of this size has after input.resize, which may be too much: STATUS_LIMIT.
enum status load_size(const struct config *config, int *width, int *height) MUST_CHECK;

// What load_task() would find, as far as the header of a file tells. For dry runs; any thread.
enum status load_header(const struct intake_entry *entry, const struct config *config, struct codec_header *header) MUST_CHECK;

// When a file was changed last, as a record has it.
int64_t load_modified(const struct stat *facts);

// The mask, feathered. *mask is zeroed on failure.
enum status load_mask(const struct config *config, struct mask *mask, char sha256[65]) MUST_CHECK;

// The guide of the objective, made so small that its features can be matched. STATUS_USAGE where that leaves fewer pixels than the network
// needs. *image is zeroed on failure.
enum status load_guide(const struct config *config, struct image *image, char sha256[65]) MUST_CHECK;

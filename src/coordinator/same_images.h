// SPDX-License-Identifier: MIT
// Inputs of equal bytes: the first of them is dreamed, the others get its files, as links, and a row that says whose. They are told by the
// first 128 bits of the SHA-256 of their bytes, once they are read: an index of some 120 bytes an input.
//
// "The first" is in the order in which pictures are handed in here, which is that of the inputs (prefetch.h, delegation.h), but those of
// earlier sessions come before all others. The others wait, without their pixels, until the first one has come to its end.
#pragma once

#include "coordinator/resume/resume.h"
#include "coordinator/task/task.h"

struct same_images;

enum { SAME_WAITING_MAX = 1000 }; // pictures that may wait, before no more should be handed in

// `output` and `resume`, which may be NULL, stay the caller's and outlive it. `each`: none is the same as another.
enum status same_images_create(struct same_images **same, const char *output, struct resume *resume, bool each) MUST_CHECK;
void same_images_destroy(struct same_images **same); // NULL inside is fine

// A picture that has been read. *task stays where it is the first of its bytes, or has failed; otherwise it is taken.
enum status same_images_see(struct same_images *same, struct task **task) MUST_CHECK;

// A picture has come to its end, whatever became of it.
void same_images_end(struct same_images *same, const struct image_row *record);

// One of those taken whose record says now what became of it: its row may be written. NULL: none.
struct task *same_images_next(struct same_images *same);

int same_images_waiting(const struct same_images *same);

// Where many addresses gave the same bytes, that may be no picture of what they name: a warning.
void same_images_warn(const struct same_images *same);

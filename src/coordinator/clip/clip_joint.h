// SPDX-License-Identifier: MIT
// Where one segment goes over into the next: both have dreamed the same frames there, and what each has dreamed is cross-faded.
#pragma once

#include "coordinator/clip/segment.h"

// Makes the parts CLIP_JOINT of segment `number` from the tail of the one before it and its lead, which are there, and removes these two.
// Does nothing where that has been done, or where the segment has none.
enum status clip_joint_make(const struct segment_setup *setup, int number) MUST_CHECK;

// out (count) = frame + g * ((1 - part) * (first - frame) + part * (second - frame)), into `first`: g so that the detail is as strong as
// that of both, where they have little in common as well (their plain mean would be paler).
void clip_joint_mix(float *first, const float *second, const float *frame, size_t count, double part);

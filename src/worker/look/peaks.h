// SPDX-License-Identifier: MIT
// Where a picture excites each channel of a target most: by its activation A, and by its relevance A * d loss / d A.
#pragma once

#include "common/wire/run_rows.h"
#include "worker/network/features.h"

// Collective. peaks [channels][PEAK_KINDS][PEAK_NUMBERS], on every member (common/wire/run_rows.h). The features hold the target's
// gradient.
enum status peaks_find(const struct features *features, int target, float *peaks) MUST_CHECK;

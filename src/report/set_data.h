// SPDX-License-Identifier: MIT
// What the pictures of a run have in common, as JSON: distributions of the metrics, outliers, mean maps, where
// each lies among the others; and of each channel that is listed
// how sure its mean is.
#pragma once

#include <jansson.h>

#include "report/channels.h"
#include "report/layout.h"
#include "runfile/run_summary.h"

// null: fewer than two pictures are done.
json_t *set_data_json(const struct run_summary *summary, const struct layout *layout);

// The channels of a target that count most on the mean over all pictures: [number, mean, low, high, part of the pictures in which it is
// among the ten that count most]. The last three are missing where the mean is not of the summary's pictures alone, as with stopped ones.
json_t *set_data_channels(const struct run_summary *summary, int target, const struct target_channels *picked);

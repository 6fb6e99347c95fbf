// SPDX-License-Identifier: MIT
// Files of what channels answer to ordinary pictures (kernels/network/statistics.h). They belong to the weights that they were measured
// with, those of the convolutions, and are found by the digest of these.
//
// HDF5. Root attributes: `format` (1), `weights_sha256`, `pictures`, `side`, `layers` and `channels`, the layers that were measured and how
// many channels each has. Datasets `mean`, `mean_square`, `picture_mean`, `picture_deviation`: float32, one value a channel of these
// layers, one layer behind the other. Values are rounded to 12 bits: few pictures tell more, and the files are half as large.
#pragma once

#include <stdbool.h>

#include "common/system/file.h"
#include "common/system/status.h"
#include "kernels/network/statistics.h"

// The shorter side, in pixels, that pictures are brought to where nothing else is asked for: the size that the network was trained at.
enum { STATISTICS_SIDE = 299, STATISTICS_SIDE_MAX = 4096 };

struct statistics_info {
    int pictures, side; // how many were measured, brought to how many pixels on the shorter side
    char sha256[65];    // of the file
};

// SHA-256 of the convolutions' weights, folded, in the flat array of parameters.h: of a file with the classifier and of one without, in
// whatever container, the same; where average pools count their padding another one.
enum status statistics_digest(const float *weights, char digest[65]) MUST_CHECK;

// The file of the weights with this digest, which is there: in $ONEIROS_CONFIG_DIR/statistics, in the user's cache, or among those that
// come with the program. STATUS_USAGE, with what to do, where there is none: `model`, as model.path has it, goes into the command.
enum status statistics_find(const char *digest, const char *model, char path[FILE_PATH_MAX]) MUST_CHECK;

// Whether one of them comes with the program, which is then in `path`.
bool statistics_are_shipped(const char *digest, char path[FILE_PATH_MAX]);

// Where the user's own is kept.
enum status statistics_cache_path(const char *digest, char path[FILE_PATH_MAX]) MUST_CHECK;

// Reads a file into `statistics` (statistics_count floats). One that is of other weights or another network, lacks values or has ones that
// cannot be is refused.
enum status statistics_read(const char *path, const char *digest, float *statistics, struct statistics_info *info) MUST_CHECK;

// info->sha256 is not looked at. The same values give the same bytes.
enum status statistics_write(const char *path, const char *digest, const float *statistics, const struct statistics_info *info) MUST_CHECK;

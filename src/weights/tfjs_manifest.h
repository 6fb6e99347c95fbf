// SPDX-License-Identifier: MIT
// The weightsManifest of a TensorFlow.js model.json: which shards there are and which weight lies where in them.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "common/system/status.h"
#include "weights/keras_layout.h"

enum tfjs_type { TFJS_FLOAT32, TFJS_FLOAT16, TFJS_UINT8, TFJS_UINT16, TFJS_OTHER }; // TFJS_OTHER: known in size only

struct tfjs_weight {
    const char *name; // as in the manifest: conv2d_1/kernel
    struct keras_shape shape;
    size_t count;         // values
    enum tfjs_type type;  // as stored
    double scale, min;    // TFJS_UINT8, TFJS_UINT16: value = q * scale + min
    size_t offset, bytes; // in the group's shards joined end to end
};

struct tfjs_group {
    size_t shard_count, weight_count;
    const char **shards; // plain file names
    struct tfjs_weight *weights;
    size_t bytes; // of all weights
};

// Strings belong to `json`.
struct tfjs_manifest {
    json_t *json;
    size_t group_count;
    struct tfjs_group *groups;
};

// Takes over `json`, also on failure. Counts, sizes and names are bounded; a shard's name cannot leave its folder.
enum status tfjs_manifest_parse(json_t *json, struct tfjs_manifest *manifest) MUST_CHECK;
void tfjs_manifest_free(struct tfjs_manifest *manifest);

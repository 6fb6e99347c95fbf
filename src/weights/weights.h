// SPDX-License-Identifier: MIT
// The trained weights: read from a file (model_file.h), checked against the network table, batch normalisation folded in.
//
// Folding: kernel' = kernel / sqrt(var + 1e-3), bias = beta - mean / sqrt(var + 1e-3).
//
// The folded weights are the flat array of kernels/network/parameters.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/system/status.h"
#include "kernels/network/network.h"
#include "weights/formats/class_names.h"

// Where the file comes from, for provenance. Plain bytes: may be sent between ranks as it is.
struct weights_info {
    char path[4096];
    char source[512];         // root attribute `oneiros_source`, or the official file known by its MD5, or "unknown"
    char md5[33];             // of the whole file, lower-case hex
    uint64_t bytes;           // of the file
    int classes;              // of the classifier, the layer `predictions`; 0: the file holds none
    bool count_padding;       // of average pools: parameters.h
    bool normalised;          // keras_layout.h
    struct class_names names; // of the classes
};

// Where `class` of the configuration is a name that the file has, makes it the number. Looks at it only where the objective wants a class.
enum status weights_choose_class(const struct weights_info *info, struct config *config) MUST_CHECK;

// The class that the objective raises as people read it, "281: tabby, tabby cat", or its number alone; empty: it raises none.
enum { WEIGHTS_CLASS_MAX = CLASS_NAME_MAX + 16 };
void weights_class_text(const struct weights_info *info, const struct config *config, char text[WEIGHTS_CLASS_MAX]);

// Reads and folds the file into `weights` (parameters_count floats) and fills *info (may be NULL). A file that is truncated, of another
// network, wrong in a shape or type, that has values that are not finite, or that links outside itself is refused with the layer's name.
enum status weights_read(const char *path, const struct network *network, float *weights, struct weights_info *info) MUST_CHECK;

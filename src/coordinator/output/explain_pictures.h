// SPDX-License-Identifier: MIT
// What explains a picture, to look at: a PNG of each array, at most 1920 pixels on the longest side, and overview.png with all of them.
// docs/explain.md says how each is to be read.
#pragma once

#include "common/config/config.h"
#include "common/picture/heat.h"
#include "common/system/status.h"

struct explain_pictures;

// One of the pictures: its file and its cell in the overview.
enum explain_picture {
    PICTURE_GRADIENT,
    PICTURE_GUIDED_GRADIENT,
    PICTURE_SALIENCY,
    PICTURE_SALIENCY_GUIDED,
    PICTURE_SALIENCY_SMOOTHGRAD,
    PICTURE_EXPECTED_GRADIENTS,
    PICTURE_CLASS_CAM,
    PICTURE_CAM, // this and the following: of a target
    PICTURE_CAM_PLUS_PLUS,
    PICTURE_LAYER_CAM,
    PICTURE_GUIDED_GRADCAM,
};

// rgb (3, height, width), in [-1, 1], is not kept. The configuration outlives the pictures. Removes what an earlier call left in the
// folder.
enum status explain_pictures_create(struct explain_pictures **pictures, const char *folder, const struct config *config, int width,
                                    int height, const float *rgb) MUST_CHECK;

// Each writes one PNG, complete or absent. `target`: the number of the target that it belongs to, or 0. Values are of the picture's full
// size; those that are not finite are drawn as 0.

// (3, height, width): grey where it is 0, brighter or darker in each channel where it is above or below.
enum status explain_pictures_signed(struct explain_pictures *pictures, enum explain_picture which, int target,
                                    const float *values) MUST_CHECK;
// (height, width), not negative: from dark to bright.
enum status explain_pictures_magnitude(struct explain_pictures *pictures, enum explain_picture which, int target,
                                       const float *values) MUST_CHECK;
// A map over the picture.
enum status explain_pictures_map(struct explain_pictures *pictures, enum explain_picture which, int target,
                                 const struct heat *map) MUST_CHECK;
// (3, height, width), summed over the channels and, so that it can be seen, over small neighbourhoods: red raises the loss, blue lowers it.
enum status explain_pictures_shares(struct explain_pictures *pictures, enum explain_picture which, int target,
                                    const float *values) MUST_CHECK;

// Writes the overview of what has been drawn.
enum status explain_pictures_overview(struct explain_pictures *pictures) MUST_CHECK;

// Frees; the files stay. NULL is fine.
void explain_pictures_destroy(struct explain_pictures **pictures);

// Frees, and removes the files from the folder. NULL is fine.
void explain_pictures_abandon(struct explain_pictures **pictures);

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
    PICTURE_ITSELF, // in the overview alone
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
    PICTURE_HIRES_CAM,
    PICTURE_GUIDED_GRADCAM,
};

// Whether a picture's file may be called so.
bool explain_pictures_has_name(const char *name);

// Removes what some run of ours may have written into the folder.
enum status explain_pictures_remove(const char *folder) MUST_CHECK;

// rgb (3, height, width), in [-1, 1], is not kept. The configuration outlives the pictures. Removes what an earlier call left in the
// folder.
enum status explain_pictures_create(struct explain_pictures **pictures, const char *folder, const struct config *config, int width,
                                    int height, const float *rgb) MUST_CHECK;

// Writes one PNG, complete or absent. `target`: the number of the target that it belongs to, or 0. `values`: (3, height, width) of
// gradients, (height, width) of saliencies, both of the picture's full size, and those that are not finite are drawn as 0; of a map as
// its `grid` says, which is not looked at otherwise.
enum status explain_pictures_draw(struct explain_pictures *pictures, enum explain_picture which, int target, const float *values,
                                  const struct heat_grid *grid) MUST_CHECK;

// A number over a panel of the overview that has been drawn.
void explain_pictures_note(struct explain_pictures *pictures, enum explain_picture which, int target, double number);

// Writes the overview of what has been drawn.
enum status explain_pictures_overview(struct explain_pictures *pictures) MUST_CHECK;

// Frees; the files stay. NULL is fine.
void explain_pictures_destroy(struct explain_pictures **pictures);

// Frees, and removes the files from the folder. NULL is fine.
void explain_pictures_abandon(struct explain_pictures **pictures);

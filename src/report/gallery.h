// SPDX-License-Identifier: MIT
// The pictures of a run as thumbnails, and the names of the files that a page links to.
#pragma once

#include <stdbool.h>

#include "runfile/run_images.h"

enum gallery_before { BEFORE_NONE, BEFORE_SOURCE, BEFORE_VIDEO };

// Texts are malloc'ed; NULL: there is none. Paths are relative to the run's folder, and stay inside it.
struct gallery_item {
    char *before, *after, *cam;      // data: URIs
    enum gallery_before before_from; // what `before` is: the input itself, or the first frame of dream.mp4
    char *folder;                    // of the picture's files
    char *picture;                   // the dream, or the overview of an explanation
    bool has_cam, has_video, has_cam_video;
};

struct gallery {
    size_t count;
    struct gallery_item *items; // [count], in the order of the list of images
};

// Whether a path leads nowhere but into the folder that it is relative to.
bool gallery_is_inside(const char *path);

// What cannot be read has no thumbnail; that is no error. `folder`: of the run.
// Destroy it also after a failure.
enum status gallery_make(const char *folder, const struct run_facts *facts, const struct run_images *images,
                         struct gallery *gallery) MUST_CHECK;
void gallery_destroy(struct gallery *gallery); // a zeroed one is fine

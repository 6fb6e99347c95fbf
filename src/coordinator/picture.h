// SPDX-License-Identifier: MIT
// Which files of a folder are pictures, at a glance: formats that codec.h decodes.
#ifndef ONEIROS_COORDINATOR_PICTURE_H
#define ONEIROS_COORDINATOR_PICTURE_H

#include <stdbool.h>

// A name with the extension of a picture, in whatever case.
bool picture_has_name(const char *path);

// A regular file that starts the way a picture does. False where it cannot be read.
bool picture_has_content(const char *path);

#endif

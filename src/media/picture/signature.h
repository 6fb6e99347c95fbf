// SPDX-License-Identifier: MIT
// Which files of a folder are pictures, at a glance: formats that codec.h decodes.
#pragma once

#include <stdbool.h>

// A name with the extension of a picture, in whatever case.
bool picture_has_name(const char *path);

// A regular file that starts the way a picture does. False where it cannot be read.
bool picture_has_content(const char *path);

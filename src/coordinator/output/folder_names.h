// SPDX-License-Identifier: MIT
// Names of the images' folders in the output folder: from the source, safe, and each one once, whatever the case of its ASCII letters.
#pragma once

#include "common/system/status.h"

enum { FOLDER_NAME_MAX = 100 }; // bytes

// The last part of a path without its extension, as a name: well-formed UTF-8 without '/' and control characters, not hidden, not
// empty, at most FOLDER_NAME_MAX bytes.
void folder_name_of_path(char name[FOLDER_NAME_MAX + 1], const char *path);

// The same of a URL: the last part of its path, percent-decoded, without query and fragment; its host if it has no path.
void folder_name_of_url(char name[FOLDER_NAME_MAX + 1], const char *url);

// The names given out so far: 16 bytes each, at a load of three quarters at most.
struct folder_names;

// `folder` is where the names are to be used: a name that is a file there, or the run's own, is not given out.
enum status folder_names_create(struct folder_names **names, const char *folder) MUST_CHECK;
void folder_names_destroy(struct folder_names **names);

// Makes `name` unique: the first one keeps it, later ones become name-2, name-3 and so on.
enum status folder_names_claim(struct folder_names *names, char name[FOLDER_NAME_MAX + 1]) MUST_CHECK;

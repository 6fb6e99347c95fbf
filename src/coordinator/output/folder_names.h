// SPDX-License-Identifier: MIT
// Names of the images' folders in the output folder: from the source, safe, and each one once, whatever the case of its ASCII letters.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

// Bytes: of a name itself, and with its group before it.
enum { FOLDER_BASE_MAX = 100, FOLDER_NAME_MAX = FOLDER_BASE_MAX + 3 };

// The last part of a path without its extension, as a name: well-formed UTF-8 without '/' and control characters, not hidden, not
// empty, at most FOLDER_BASE_MAX bytes.
void folder_name_of_path(char name[FOLDER_NAME_MAX + 1], const char *path);

// The same of a URL: the last part of its path, percent-decoded, without query and fragment; its host if it has no path.
void folder_name_of_url(char name[FOLDER_NAME_MAX + 1], const char *url);

// The names given out so far: 16 bytes each, at a load of three quarters at most.
struct folder_names;

// `folder` is where the names are to be used: a name that is a file there, or the run's own, is not given out. `grouped`: each name is in
// one of 256 folders, by its digest, so that none holds a million: "3f/name".
enum status folder_names_create(struct folder_names **names, const char *folder, bool grouped) MUST_CHECK;
void folder_names_destroy(struct folder_names **names);

// Whether a picture's folder, so many bytes of a path with the slash at their end, is in such a group.
bool folder_name_is_grouped(const char *path, size_t folder);

// Makes `name` unique: the first one keeps it, later ones become name-2, name-3 and so on.
enum status folder_names_claim(struct folder_names *names, char name[FOLDER_NAME_MAX + 1]) MUST_CHECK;

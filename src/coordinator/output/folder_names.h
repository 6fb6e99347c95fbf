// SPDX-License-Identifier: MIT
// Names of the images' folders in the output folder: from the source, safe, and each one once, whatever the case of its ASCII letters.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/config/config.h"
#include "common/system/status.h"

// Bytes: of each part of a name, and of all of it, with the folders before it.
enum { FOLDER_BASE_MAX = 100, FOLDER_NAME_MAX = 512 };

// A path without its extension, as a name. Each part of it becomes well-formed UTF-8 without control characters, not hidden, not empty, at
// most FOLDER_BASE_MAX bytes, none below the first is called as the files that a picture's folder holds,
// and the first not as those of the run. Of a path that is too long
// the last part alone.
void folder_name_of_path(char name[FOLDER_NAME_MAX + 1], const char *path);

// Whether the folder of a picture may be called so, [length], wherever that has been read: parts that are not empty, "." or "..", and not
// too many bytes.
bool folder_name_is_safe(const char *name, size_t length);

// The same of a URL: the last part of its path, percent-decoded, without query and fragment; its host if it has no path.
void folder_name_of_url(char name[FOLDER_NAME_MAX + 1], const char *url);

// The same of noise and channels: "noise:640x480:2" is noise-640x480-2, "channel:mixed4#12" channel-mixed4-12.
void folder_name_of_noise(char name[FOLDER_NAME_MAX + 1], const char *text);

// The names given out so far: 16 bytes each, at a load of three quarters at most.
struct folder_names;

// `folder` is where the names are to be used: a name that is a file there, or the run's own, is not given out. FOLDERS_FLAT: of each name
// the last part. FOLDERS_GROUPED: that in one of 256 folders, by its digest, so that none holds a million: "3f/name". FOLDERS_TREE: names
// as they are.
enum status folder_names_create(struct folder_names **names, const char *folder, enum config_folders folders) MUST_CHECK;
void folder_names_destroy(struct folder_names **names);

// Somebody has this name, [length], already.
enum status folder_names_reserve(struct folder_names *names, const char *name, size_t length) MUST_CHECK;

// Makes `name` unique: the first one keeps it, later ones become name-2, name-3 and so on.
enum status folder_names_claim(struct folder_names *names, char name[FOLDER_NAME_MAX + 1]) MUST_CHECK;

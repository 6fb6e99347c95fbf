// SPDX-License-Identifier: MIT
// A picture's folder with links to the files of another one's, of the same bytes. Each file is a link of its own, since folders of pictures
// may have others' folders in them; what writes to such a folder later replaces the link, not the file that it leads to.
#pragma once

#include "common/wire/run_rows.h"

// `output`: the output folder; `name`: of the picture's folder in it; `place`: of the other's picture, "a/dream.png". What the folder holds
// of an earlier dream goes. *to becomes the picture in this folder, "b/dream.png", or, on failure, empty.
enum status folder_links_make(const char *output, const char *name, const char *place, char to[ROW_SOURCE_MAX]) MUST_CHECK;

// Before the files are replaced or removed to which the links beside the picture `place` lead: each link becomes the file itself, under
// one more name (a hard link) or as a copy. Killed at any moment, each is a link or the file.
enum status folder_links_end(const char *output, const char *place) MUST_CHECK;

// Removes what a picture's folder, at this path, holds of ours.
enum status folder_clear(const char *path) MUST_CHECK;

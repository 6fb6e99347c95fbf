// SPDX-License-Identifier: MIT
// What a file is that holds no weights, for a message: people name the picture, the page that a server gave in the place of the file, or
// the archive around it.
#pragma once

#include <stddef.h>

enum { OTHER_FILE_BYTES = 512 };

// By how it begins: "a JPEG picture"; NULL: not known.
const char *other_file_name(const unsigned char *begin, size_t size);

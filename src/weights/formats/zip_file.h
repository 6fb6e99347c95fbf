// SPDX-License-Identifier: MIT
// A zip file's entries in memory, by libarchive. What PyTorch and Keras write is stored, not compressed: all entries together are no larger
// than the file, and one that is (compressed, or a zip bomb) is refused before its bytes are unpacked.
#pragma once

#include <stddef.h>

#include "common/system/status.h"

enum { ZIP_NAME_MAX = 256, ZIP_ENTRIES_MAX = 8192 };

struct zip_entry {
    char name[ZIP_NAME_MAX];
    unsigned char *bytes;
    size_t size;
};

struct zip_file {
    size_t count;
    struct zip_entry *entries;
};

// To be freed also after a failure.
enum status zip_file_read(const char *path, struct zip_file *zip) MUST_CHECK;
void zip_file_free(struct zip_file *zip);

// The only entry whose name ends in `tail`, behind a '/' or all of it. *entry is NULL where there is none.
enum status zip_file_find(const struct zip_file *zip, const char *tail, const struct zip_entry **entry) MUST_CHECK;

// SPDX-License-Identifier: MIT
#include "weights/formats/zip_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t FILE_BYTES_MAX = (int64_t)1 << 30; // with an optimiser's state, three times the network's 100 MB

static enum status refuse(struct archive *archive, const char *name)
{
    const char *reason = archive_error_string(archive);
    return fail(STATUS_FORMAT, "%.100s%snot a whole zip file: %s", name, *name ? ": " : "", reason ? reason : "damaged");
}

// At most *left bytes.
static enum status read_entry(struct archive *archive, struct archive_entry *entry, uint64_t *left, struct zip_entry *out)
{
    const char *name = archive_entry_pathname(entry);
    const int64_t size = archive_entry_size(entry);
    if (!name || strlen(name) >= ZIP_NAME_MAX)
        return fail(STATUS_FORMAT, "an entry without a name of at most %d bytes", ZIP_NAME_MAX - 1);
    strcpy(out->name, name);
    if (archive_entry_is_encrypted(entry))
        return fail(STATUS_UNSUPPORTED, "%s is encrypted", name);
    if (!archive_entry_size_is_set(entry) || size < 0 || (uint64_t)size > *left)
        return fail(STATUS_LIMIT,
                    "%.100s unpacks to more than the file has bytes: PyTorch and Keras compress nothing; save it anew, or `zip -0` it",
                    name);
    TRY(ALLOCATE(out->bytes, size + 1, "for %s", name));
    while (out->size < (size_t)size) {
        const la_ssize_t count = archive_read_data(archive, out->bytes + out->size, (size_t)size - out->size);
        if (count <= 0)
            return refuse(archive, name);
        out->size += (size_t)count;
    }
    char more; // where the checksum is looked at
    if (archive_read_data(archive, &more, 1) != 0)
        return refuse(archive, name);
    *left -= (uint64_t)size;
    return STATUS_OK;
}

static enum status read_entries(struct archive *archive, uint64_t left, struct zip_file *zip)
{
    struct archive_entry *entry;
    int result;
    while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
        if (zip->count == ZIP_ENTRIES_MAX)
            return fail(STATUS_LIMIT, "more than %d entries", ZIP_ENTRIES_MAX);
        if (archive_entry_filetype(entry) == AE_IFREG)
            TRY(read_entry(archive, entry, &left, &zip->entries[zip->count++]));
    }
    return result == ARCHIVE_EOF ? STATUS_OK : refuse(archive, "");
}

enum status zip_file_read(const char *path, struct zip_file *zip)
{
    struct stat info;
    enum status rc;
    struct archive *archive = archive_read_new();
    *zip = (struct zip_file){0};
    if (!archive || archive_read_support_format_zip_seekable(archive) != ARCHIVE_OK)
        TRY_OUT(no_memory("for a zip file"));
    if (stat(path, &info) != 0)
        TRY_OUT(fail(STATUS_IO, "%m"));
    if (info.st_size > FILE_BYTES_MAX)
        TRY_OUT(fail(STATUS_LIMIT, "%lld bytes; at most %lld are read", (long long)info.st_size, (long long)FILE_BYTES_MAX));
    TRY_OUT(ALLOCATE(zip->entries, ZIP_ENTRIES_MAX, "for a zip file"));
    if (archive_read_open_filename(archive, path, 1 << 20) != ARCHIVE_OK)
        TRY_OUT(refuse(archive, ""));
    rc = read_entries(archive, (uint64_t)info.st_size, zip);
out:
    archive_read_free(archive);
    return rc;
}

void zip_file_free(struct zip_file *zip)
{
    for (size_t i = 0; i < zip->count; i++)
        free(zip->entries[i].bytes);
    free(zip->entries);
    *zip = (struct zip_file){0};
}

enum status zip_file_find(const struct zip_file *zip, const char *tail, const struct zip_entry **entry)
{
    const size_t own = strlen(tail);
    *entry = NULL;
    for (size_t i = 0; i < zip->count; i++) {
        const char *name = zip->entries[i].name;
        const size_t length = strlen(name);
        if (length < own || strcmp(name + length - own, tail) != 0 || (length > own && name[length - own - 1] != '/'))
            continue;
        if (*entry)
            return fail(STATUS_FORMAT, "it has two entries %s", tail);
        *entry = &zip->entries[i];
    }
    return STATUS_OK;
}

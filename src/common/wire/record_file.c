// SPDX-License-Identifier: MIT
#include "common/wire/record_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum status record_create(struct record_writer *writer, const char *path)
{
    enum status rc;
    *writer = (struct record_writer){.digest = EVP_MD_CTX_new()};
    if (!writer->digest || !EVP_DigestInit_ex(writer->digest, EVP_sha256(), NULL)) {
        rc = fail(STATUS_LIMIT, "no memory to write '%s'", path);
        goto out;
    }
    rc = file_create(&writer->file, path);
out:
    if (rc != STATUS_OK)
        record_abandon(writer);
    return rc;
}

void record_write(struct record_writer *writer, const void *bytes, size_t count)
{
    if (writer->error || count == 0)
        return;
    errno = 0;
    if (fwrite(bytes, 1, count, writer->file.stream) != count || !EVP_DigestUpdate(writer->digest, bytes, count))
        writer->error = errno ? errno : EIO;
}

enum status record_commit(struct record_writer *writer)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    errno = 0;
    if (!writer->error &&
        (!EVP_DigestFinal_ex(writer->digest, digest, NULL) || fwrite(digest, 1, sizeof digest, writer->file.stream) != sizeof digest))
        writer->error = errno ? errno : EIO;
    const enum status rc =
        writer->error ? fail(STATUS_IO, "cannot write '%s': %s", writer->file.path, strerror(writer->error)) : file_commit(&writer->file);
    record_abandon(writer);
    return rc;
}

void record_abandon(struct record_writer *writer)
{
    file_abandon(&writer->file);
    EVP_MD_CTX_free(writer->digest);
    writer->digest = NULL;
}

enum status record_open(const char *path, uint64_t limit, void **memory, struct record_reader *reader)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    size_t size;
    enum status rc;
    *memory = NULL;
    TRY_OUT(file_read(path, limit, memory, &size));
    *reader = (struct record_reader){.bytes = *memory, .left = size < sizeof digest ? 0 : size - sizeof digest};
    if (size < sizeof digest || !SHA256(*memory, reader->left, digest) || memcmp(reader->bytes + reader->left, digest, sizeof digest) != 0)
        rc = fail(STATUS_FORMAT, "'%s' is damaged: its digest is another", path);
out:
    if (rc != STATUS_OK) {
        free(*memory);
        *memory = NULL;
    }
    return rc;
}

const void *record_next(struct record_reader *reader, size_t count)
{
    const void *bytes = reader->bytes;
    if (count > reader->left)
        return NULL;
    reader->bytes += count;
    reader->left -= count;
    return bytes;
}

enum status record_read(struct record_reader *reader, void *bytes, size_t count)
{
    const void *next = record_next(reader, count);
    if (!next)
        return fail(STATUS_FORMAT, "it ends early");
    memcpy(bytes, next, count);
    return STATUS_OK;
}

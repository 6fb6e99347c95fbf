// SPDX-License-Identifier: MIT
#include "common/wire/record_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum status record_create(struct record_writer *writer, const char *path)
{
    *writer = (struct record_writer){.digest = EVP_MD_CTX_new()};
    const bool ready = writer->digest && EVP_DigestInit_ex(writer->digest, EVP_sha256(), NULL);
    const enum status rc = ready ? file_create(&writer->file, path) : no_memory("to write '%s'", path);
    writer->stream = writer->file.stream;
    if (rc != STATUS_OK)
        record_abandon(writer);
    return rc;
}

enum status record_create_in_memory(struct record_writer *writer)
{
    *writer = (struct record_writer){0};
    writer->stream = open_memstream(&writer->memory, &writer->size);
    return writer->stream ? STATUS_OK : no_memory("for records");
}

void record_append(struct record_writer *writer, const void *records, size_t count)
{
    errno = 0;
    if (!writer->error && count > 0 &&
        (fwrite(records, 1, count, writer->stream) != count || (writer->digest && !EVP_DigestUpdate(writer->digest, records, count))))
        writer->error = errno ? errno : EIO;
}

void record_write(struct record_writer *writer, const void *bytes, size_t count)
{
    if (writer->error || count == 0)
        return;
    const uint64_t length = count;
    record_append(writer, &length, sizeof length);
    record_append(writer, bytes, count);
}

enum status record_commit(struct record_writer *writer)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    errno = 0;
    if (!writer->error &&
        (!EVP_DigestFinal_ex(writer->digest, digest, NULL) || fwrite(digest, 1, sizeof digest, writer->stream) != sizeof digest))
        writer->error = errno ? errno : EIO;
    const enum status rc =
        writer->error ? fail(STATUS_IO, "cannot write '%s': %s", writer->file.path, strerror(writer->error)) : file_commit(&writer->file);
    record_abandon(writer);
    return rc;
}

enum status record_take(struct record_writer *writer, void **bytes, size_t *size)
{
    const bool complete = fflush(writer->stream) == 0 && !writer->error;
    fclose(writer->stream);
    writer->stream = NULL;
    *bytes = complete ? writer->memory : NULL;
    *size = writer->size;
    if (complete)
        writer->memory = NULL;
    record_abandon(writer);
    return complete ? STATUS_OK : no_memory("for records");
}

void record_abandon(struct record_writer *writer)
{
    if (writer->digest)
        file_abandon(&writer->file);
    else if (writer->stream)
        fclose(writer->stream);
    EVP_MD_CTX_free(writer->digest);
    free(writer->memory);
    writer->stream = NULL;
    writer->digest = NULL;
    writer->memory = NULL;
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

enum status record_read(struct record_reader *reader, void *bytes, size_t count)
{
    uint64_t length;
    if (count == 0)
        return STATUS_OK;
    if (reader->left < sizeof length || count > reader->left - sizeof length)
        return fail(STATUS_FORMAT, "it ends early");
    memcpy(&length, reader->bytes, sizeof length);
    if (length != count)
        return fail(STATUS_FORMAT, "a record has %llu bytes where this build has %zu", (unsigned long long)length, count);
    memcpy(bytes, reader->bytes + sizeof length, count);
    reader->bytes += sizeof length + count;
    reader->left -= sizeof length + count;
    return STATUS_OK;
}

enum status record_read_array(struct record_reader *reader, void **items, uint64_t count, size_t size)
{
    *items = NULL;
    if (count == 0)
        return STATUS_OK;
    if (count > reader->left / size)
        return fail(STATUS_FORMAT, "it ends early");
    *items = malloc((size_t)count * size);
    const enum status rc =
        *items ? record_read(reader, *items, (size_t)count * size) : no_memory("for %llu records", (unsigned long long)count);
    if (rc != STATUS_OK) {
        free(*items);
        *items = NULL;
    }
    return rc;
}

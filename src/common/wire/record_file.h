// SPDX-License-Identifier: MIT
// Bytes of a checkpoint on their way to a file and back. The file ends with the SHA-256 of all before it; numbers are those of the machine.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/system/file.h"
#include "common/system/status.h"

struct record_writer {
    struct file_writer file;
    void *digest; // EVP_MD_CTX
    int error;    // of the first write that failed, or 0; record_commit() says so
};

enum status record_create(struct record_writer *writer, const char *path) MUST_CHECK;
void record_write(struct record_writer *writer, const void *bytes, size_t count);
// The file has its name, or there is none.
enum status record_commit(struct record_writer *writer) MUST_CHECK;
void record_abandon(struct record_writer *writer); // harmless after record_commit()

// What is left of a file in memory. Any byte of it may be wrong: whoever reads checks what it gets.
struct record_reader {
    const uint8_t *bytes;
    size_t left;
};

// The whole file as malloc'ed memory for the caller to free, and a reader for all but its digest, which was right.
enum status record_open(const char *path, uint64_t limit, void **memory, struct record_reader *reader) MUST_CHECK;
// The next bytes, or NULL where so many are not left.
const void *record_next(struct record_reader *reader, size_t count);
// Copies them. STATUS_FORMAT where so many are not left.
enum status record_read(struct record_reader *reader, void *bytes, size_t count) MUST_CHECK;

// SPDX-License-Identifier: MIT
// Bytes of a checkpoint on their way to a file and back. The file ends with the SHA-256 of all before it; numbers are those of the machine.
#ifndef ONEIROS_COORDINATOR_SAVED_H
#define ONEIROS_COORDINATOR_SAVED_H

#include <stddef.h>
#include <stdint.h>

#include "common/file.h"
#include "common/status.h"

struct saved_writer {
    struct file_writer file;
    void *digest; // EVP_MD_CTX
    int error;    // of the first write that failed, or 0; saved_commit() says so
};

enum status saved_create(struct saved_writer *writer, const char *path) MUST_CHECK;
void saved_write(struct saved_writer *writer, const void *bytes, size_t count);
// The file has its name, or there is none.
enum status saved_commit(struct saved_writer *writer) MUST_CHECK;
void saved_abandon(struct saved_writer *writer); // harmless after saved_commit()

// What is left of a file in memory. Any byte of it may be wrong: whoever reads checks what it gets.
struct saved_reader {
    const uint8_t *bytes;
    size_t left;
};

// The whole file as malloc'ed memory for the caller to free, and a reader for all but its digest, which was right.
enum status saved_open(const char *path, uint64_t limit, void **memory, struct saved_reader *reader) MUST_CHECK;
// The next bytes, or NULL where so many are not left.
const void *saved_next(struct saved_reader *reader, size_t count);
// Copies them. STATUS_FORMAT where so many are not left.
enum status saved_read(struct saved_reader *reader, void *bytes, size_t count) MUST_CHECK;

#endif

// SPDX-License-Identifier: MIT
// Raw records on their way to a file or a message and back; numbers are those of the machine. Before each stands its length, so that those
// of a build with other structs are not misread. A file ends with the SHA-256 of all before it; a message has the records alone.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/system/file.h"
#include "common/system/status.h"

// Stays where it is while it is open.
struct record_writer {
    FILE *stream;            // of the file or of the memory; NULL: it is closed
    struct file_writer file; // zeroed: into memory
    void *digest;            // EVP_MD_CTX; NULL: into memory
    char *memory;
    size_t size; // bytes in memory
    int error;   // of the first write that failed, or 0; record_commit() and record_take() say so
};

enum status record_create(struct record_writer *writer, const char *path) MUST_CHECK;
enum status record_create_in_memory(struct record_writer *writer) MUST_CHECK;
void record_write(struct record_writer *writer, const void *bytes, size_t count);
// So many bytes of what another writer has made.
void record_append(struct record_writer *writer, const void *records, size_t count);
// The file has its name, or there is none.
enum status record_commit(struct record_writer *writer) MUST_CHECK;
// What was written into memory, malloc'ed, for the caller to free; NULL on failure.
enum status record_take(struct record_writer *writer, void **bytes, size_t *size) MUST_CHECK;
void record_abandon(struct record_writer *writer); // harmless after record_commit() and record_take()

// What is left of a file or a message in memory. Any byte of it may be wrong: whoever reads checks what it gets.
struct record_reader {
    const uint8_t *bytes;
    size_t left;
};

// The whole file as malloc'ed memory for the caller to free, and a reader for all but its digest, which was right.
enum status record_open(const char *path, uint64_t limit, void **memory, struct record_reader *reader) MUST_CHECK;
// Copies the next record. STATUS_FORMAT where it has not so many bytes.
enum status record_read(struct record_reader *reader, void *bytes, size_t count) MUST_CHECK;
// The next `count` items of `size` bytes as malloc'ed memory for the caller to free; NULL for none, and on failure.
enum status record_read_array(struct record_reader *reader, void **items, uint64_t count, size_t size) MUST_CHECK;

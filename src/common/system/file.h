// SPDX-License-Identifier: MIT
// Files that are complete or absent, after a power cut too: written aside in the same folder, synced, renamed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/system/status.h"

enum { FILE_PATH_MAX = 4096 };

// A file being written. It has its final name only after file_commit().
struct file_writer {
    FILE *stream;              // write here; NULL when not open
    char path[FILE_PATH_MAX];  // the final name
    char aside[FILE_PATH_MAX]; // the name until then, in the same folder
};

// Creates the file aside (mode 0666 & ~umask). `path` may not exist yet; its folder must.
enum status file_create(struct file_writer *writer, const char *path) MUST_CHECK;

// Whether its folder is there and lets files be made, as far as can be told without making one.
enum status file_may_create(const char *path) MUST_CHECK;

// Flushes, syncs, renames, closes. On failure the file aside is gone. Every write error since file_create is reported here. What must be
// there after a power cut has file_sync_name() called for it, once for all files of a folder; until then there may be none, but not a half
// one.
enum status file_commit(struct file_writer *writer) MUST_CHECK;

// Syncs the file `from`, and gives it the name `to` in the same folder.
enum status file_rename(const char *from, const char *to) MUST_CHECK;

// Syncs the file's folder, with all the names in it.
enum status file_sync_name(const char *path) MUST_CHECK;

// Closes and removes the file aside. Harmless when not open or already committed.
void file_abandon(struct file_writer *writer);

// An open file in the folder without a name, for what is too large for memory: it is gone once it is closed, even if by kill -9.
enum status file_create_nameless(const char *folder, int *descriptor) MUST_CHECK;

// The whole file, of at most `limit` bytes, as malloc'ed memory with a NUL after its `*size` bytes. Only regular files.
enum status file_read(const char *path, uint64_t limit, void **bytes, size_t *size) MUST_CHECK;

// The same, and what the file system said of the file before it was read.
enum status file_read_facts(const char *path, uint64_t limit, void **bytes, size_t *size, struct stat *facts) MUST_CHECK;

// The same also of what is no regular file, as a shell's <(...) is a pipe: up to its end, which is waited for. No folders.
enum status file_read_any(const char *path, uint64_t limit, void **bytes, size_t *size) MUST_CHECK;

// Opens it for reading, with what the file system says of it. *descriptor is -1 on failure.
enum status file_open(const char *path, uint64_t limit, int *descriptor, struct stat *facts) MUST_CHECK;

// The same from an open file, from where it stands on: `expected` bytes and no more. `name` is for messages.
enum status file_read_open(int descriptor, const char *name, uint64_t expected, void **bytes, size_t *size) MUST_CHECK;

// Whether file_make_folder() would succeed. Nothing is made that stays.
enum status file_may_make_folder(const char *path) MUST_CHECK;

// mkdir -p. A folder that is there already is fine.
enum status file_make_folder(const char *path) MUST_CHECK;

// The same; *made: it was not there, so that nothing is in it.
enum status file_make_missing_folder(const char *path, bool *made) MUST_CHECK;

// Of the folders that the path names, the first that is not there: the length of its path; 0: all are there.
size_t file_missing_folder(const char *path);

// rmdir -p: the folder, if it is empty, and those around it whose paths are not shorter than `least`.
void file_remove_folders(const char *path, size_t least);

// a/b into `out`; refuses what does not fit.
enum status file_join(char out[FILE_PATH_MAX], const char *folder, const char *name) MUST_CHECK;

// $XDG_CACHE_HOME/oneiros/<name>, in ~/.cache without that variable. The folder may not be there.
enum status file_cache_path(char out[FILE_PATH_MAX], const char *name) MUST_CHECK;

// Lower-case hex digests of bytes in memory, and of a file's (libcrypto).
enum status bytes_sha256(const void *bytes, size_t size, char hex[65]) MUST_CHECK;

// Of all of an open file, wherever it is read at present.
enum status file_sha256(int descriptor, const char *name, char hex[65]) MUST_CHECK;
enum status file_md5(const char *path, char hex[33]) MUST_CHECK;

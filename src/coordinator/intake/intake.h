// SPDX-License-Identifier: MIT
// From what the user typed to a stream of images: files, folders, globs, URLs and lists, one entry at a time, always in the same order.
//
//   file        itself, whatever its name and content; decoding will tell.
//   folder      its pictures (signature.h), and videos where asked for, and those of its folders, in byte order of the names in each
//   folder, links followed; hidden
//               files and folders are left out, and so are output folders of runs, and pictures in this run's that an earlier run wrote. A
//               folder without any picture is an entry with an error.
//   glob        what glob(3) finds, in byte order, each as if it had been typed. Only where no file has that very name.
//   http(s)://  passed through.
//   noise:      a picture that is made: "noise:1024x768" (common/picture/noise.h); passed through.
//   channel:    a dream of one channel, from noise: "channel:mixed4#12" (common/config/channel_input.h); passed through.
//   @FILE       a list: one of the above a line, or between NULs (intake_list.h), relative to the working folder; "@-": standard input.
//               Lists do not name lists.
//
// What is not there, may not be read or may not be used is an entry with an error: the rest goes on. Lists are read as the run goes on;
// memory holds the names of one chain of folders or of one glob, and a hash for each image's name.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/config/config.h"
#include "common/system/file.h"
#include "common/wire/run_rows.h"
#include "coordinator/intake/address.h"
#include "coordinator/intake/known_images.h"
#include "coordinator/output/folder_names.h"

enum intake_kind { INTAKE_FILE, INTAKE_URL, INTAKE_NOISE };

struct intake_entry {
    int64_t id;                     // 0, 1, 2, ... in order, but for images that are known
    enum intake_kind kind;          // meaningful without error only
    enum status status;             // STATUS_OK, or why it cannot be taken in
    char error[ROW_ERROR_MAX];      // in words, without the source; empty if OK
    char name[FOLDER_NAME_MAX + 1]; // of this image's own folder in the output folder
    char shown[ROW_SOURCE_MAX];     // what a record calls the source, and all that anybody is told of it (address.h)
    char source[FILE_PATH_MAX];     // path, URL, or what was typed; last, so that a message can end behind its NUL
};

// An entry without the room that its longest possible texts would need, malloc'ed.
struct held_entry {
    STAILQ_ENTRY(held_entry) link;
    int64_t id;
    enum intake_kind kind;
    enum status status;
    size_t bytes;  // of all of it
    int64_t place; // delegation.h: when it was handed out, 0, 1, 2, ...
    bool read;     // there: it is known what bytes it has
    char texts[];  // source, name, error and, where it is another one, what is shown, each with its NUL
};
STAILQ_HEAD(held_entries, held_entry);

struct held_entry *intake_hold(const struct intake_entry *entry);         // NULL: no memory
void intake_release(struct held_entry *held, struct intake_entry *entry); // back into an entry; frees what was held

struct intake;

// What is borrowed must outlive the intake.
struct intake_options {
    const char *output; // folder: no entry's name is that of a file there, and no entry is a path in it that a picture may be written to
    enum config_folders folders; // of the names; FOLDERS_AUTO: as in a tree
    struct known_images *known;  // which keep their numbers and names; NULL: none
    char *const *inputs;         // [count]
    int count;
    const int *lists; // [count] of intake_lists_read(); NULL: none
    bool videos;      // of folders, too
    bool keep_key;    // of addresses, in the output folder
    bool quiet;       // not a word of what is left out: somebody else says it
};

enum status intake_create(struct intake **intake, const struct intake_options *options) MUST_CHECK;

// The next entry, or *end. Fails only for want of memory.
enum status intake_next(struct intake *intake, struct intake_entry *entry, bool *end) MUST_CHECK;

// The same without a number and a name, for who counts.
void intake_pass(struct intake *intake, struct intake_entry *entry, bool *end);

void intake_destroy(struct intake **intake);

// Whether an input is the address of a picture, http or https.
bool intake_is_url(const char *text);

// SPDX-License-Identifier: MIT
// A run that goes on where an earlier one into the same folder ended, however that was, and whatever has become of its inputs since. They
// are known by their names, and by the digests of their bytes where size or time of a file are others now: what is done is left alone.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/picture/tiling.h"
#include "common/system/file.h"
#include "common/wire/messages.h"
#include "coordinator/intake/known_images.h"
#include "runfile/run_file.h"
#include "runfile/run_images.h"

struct resume_options {
    const char *output; // folder, with a run.h5
    enum config_use use;
    const struct config *config;
    char **inputs; // [input_count], as typed
    int input_count;
    const int *lists; // [input_count] of intake_lists_read(); NULL: none
    bool look_only;   // nothing is changed, checkpoints neither
};

// Inputs of the run, by what is to be done with them.
struct resume_counts {
    int64_t done;       // nothing
    int64_t added;      // the earlier run has not come to them, or has not known them
    int64_t changed;    // the picture is another one
    int64_t failed;     // once more
    int64_t unfinished; // gone on with
    int64_t begun;      // of all these, dreams that a killed run had begun, beside the unfinished ones
    int64_t lost;       // a file that they had is not there: once more
    int64_t gone;       // done, and no longer there: their dreams stay
    int64_t unnamed;    // done, there, and not among the inputs: likewise
};

struct resume {
    char path[FILE_PATH_MAX];                                                       // of the run file
    char weights_md5[33], guide_sha256[65], mask_sha256[65], statistics_sha256[65]; // the latter three empty: there were none
    struct tile_rules tiles;                                                        // without the stride
    enum config_folders folders;
    char plan[CONFIG_PATH_MAX]; // what its configuration says
    struct run_earlier earlier; // for run_file_create(): the rows of what is done
    struct run_images past;
    struct known_images known; // past, in the same order
    struct resume_image {
        bool done;                // its row stays
        bool missing;             // its input is not there
        bool named;               // it is among the inputs
        bool written;             // its row has been written anew
        bool parted;              // it links to another one's files, which will be replaced: they must become its own
    } * images;                   // [past.count]
    struct image_row *unfinished; // [unfinished_count] rows of dreams that were stopped
    size_t unfinished_count;
    struct resume_counts counts;
    bool complete; // nothing is to be done
};

// Reads DIR/run.h5 and goes through the inputs. STATUS_USAGE names what differs from that run, if it matters to the results. On failure
// *resume is NULL, and where that run has nothing to go on with: no dream, no part of one. Checkpoints that nobody needs go.
enum status resume_create(struct resume **resume, const struct resume_options *options) MUST_CHECK;
void resume_destroy(struct resume **resume);

// STATUS_USAGE: what differs, "steps was 20 and is 40", and what to do.
enum status resume_refuse(const struct resume *resume, const char *difference) MUST_CHECK;

bool resume_is_done(const struct resume *resume, int64_t image); // false for NULL

// The row of this image is about to be written anew. Where it has failed it is still that of the dream that is there.
void resume_written(struct resume *resume, struct image_row *row);

// Of dreams that were stopped and to which a session that ends early has not come again: their rows stay. NULL: no more of them.
const struct image_row *resume_next_unfinished(struct resume *resume);

// In words: "280 done, 20 new, 3 changed".
void resume_describe(const struct resume *resume, char *text, size_t size);

// What is only known later: STATUS_USAGE where it differs.
enum status resume_check(const struct resume *resume, const char *weights_md5, const struct tile_rules *tiles) MUST_CHECK;

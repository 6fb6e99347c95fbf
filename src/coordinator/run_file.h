// SPDX-License-Identifier: MIT
// The run file, DIR/run.h5: provenance in root attributes, one row an image in /images, one row a step in /steps, one row a rank and
// phase in /timing.
//
// It can be read at any moment, and after kill -9 at any moment. The file is closed between two writes; each write opens it as a
// single-writer-multiple-reader (SWMR) file, adds what has gathered, and closes it again. Why so, as measured with HDF5 1.10.8 and 300
// writers killed at random moments while writing without a pause:
//   - kept open, flushed, in the old format:    16 files damaged (a chunk index half written), the rest good;
//   - kept open, flushed, in the new format:    none can be opened ("already open for write" stays in the superblock until h5clear);
//   - opened as SWMR for each write:            none damaged, for SWMR orders its writes; a write takes some 2 ms.
// SWMR orders the writes within a table, once that has an index of its chunks: tables get theirs on creation, and each is flushed before
// the next is written. So after a kill at any single one of 370 writes every row was right, and no image without its steps.
//
// Between writes, which is nearly always, every reader can open the file as it is. A reader that comes while a write is under way, or after
// a kill that struck in the midst of one, is told that the file is open for writing: it tries again, or opens it as a SWMR reader
// (h5py.File(path, "r", swmr=True)), or mends a dead run's file with `h5clear -s`.
// Rows of the last second before a kill are lost. Space is set aside before each write, so that a full disk leaves the file good.
//
// Root attributes, texts as variable-length UTF-8: program, version, format_version, config (YAML), weights_md5, weights_source, plan,
// seed, ranks, workers, team_size (0: auto), tile_size, tile_halo, tile_blend (pixels), tile_halo_exact (1: the halo covers the whole
// receptive field), hosts (one a rank), started (UTC), slurm_* (where Slurm set them), elapsed_seconds (from the start to the last write),
// complete (1 once run_file_close was told so). Of each table: units and descriptions (one a column), and of /steps: targets (layer names).
#ifndef ONEIROS_COORDINATOR_RUN_FILE_H
#define ONEIROS_COORDINATOR_RUN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/records.h"
#include "common/tiling.h"
#include "common/timing.h"

enum { RUN_FILE_FORMAT_VERSION = 1 };

// What the root attributes say. Borrowed during run_file_create only.
struct run_file_header {
    const struct config *config;
    const char *weights_md5;
    const char *weights_source;
    const char *plan; // text; "" if there is none
    int ranks;
    const char *const *hosts; // [ranks] the host of each rank
    int workers;              // ranks that dream
    const struct tile_rules *tiles;
    bool halo_exact; // the halo covers the whole receptive field
};

struct run_file;

// Writes a run file with empty tables. One that is there already is replaced only when the new one is whole.
enum status run_file_create(struct run_file **file, const char *path, const struct run_file_header *header) MUST_CHECK;

// Each takes a copy; the rows are written when a chunk is full or a second has passed since the last write. Bytes that are not UTF-8
// become '?'. Rows stand in the order of the calls: hand in an image's steps together and before the image.
// On STATUS_IO (disk full) the rows that were not written are kept as far as memory is set aside for them, and the next call tries again.
enum status run_file_add_steps(struct run_file *file, const struct step_record *steps, size_t count) MUST_CHECK;
enum status run_file_add_image(struct run_file *file, const struct image_record *image) MUST_CHECK;
// One row for each phase that the rank entered, in the order of enum phase. Once a rank.
enum status run_file_add_timing(struct run_file *file, int rank, const struct timing *timing) MUST_CHECK;

// Writes if rows wait and a second has passed. Call it now and then while nothing else happens.
enum status run_file_tick(struct run_file *file) MUST_CHECK;

// Writes what waits and frees the memory, also on failure. `complete`: every input has its row. A NULL file is fine.
enum status run_file_close(struct run_file **file, bool complete) MUST_CHECK;

#endif

// SPDX-License-Identifier: MIT
// The run file, DIR/run.h5: provenance in root attributes, one row a rank in /ranks, one row an image in /images and, at the same place, in
// /importance/<layer>, one row a step in /steps, a class activation map a frame in /cam, one row a frame of a clip
// in /frames, one row a judged map in /faithfulness, one row a
// rank and phase in /timing. Of images that are dreamed again, /earlier has the row of before. At the end of a session /summary says what
// all of them have in common.
//
// It can be read at any moment, and after kill -9 at any moment. The file is closed between two writes; each write opens it as a
// single-writer-multiple-reader (SWMR) file, adds what has gathered, and closes it again. Why so, as measured with HDF5 1.10.8 and 300
// writers killed at random moments while writing without a pause:
//   - kept open, flushed, in the old format:    16 files damaged (a chunk index half written), the rest good;
//   - kept open, flushed, in the new format:    none can be opened ("already open for write" stays in the superblock until h5clear);
//   - opened as SWMR for each write:            none damaged, for SWMR orders its writes; a write takes some 2 ms.
// SWMR orders the writes within a dataset, once that has an index of its chunks: datasets get theirs on creation, and each is flushed
// before the next is written. So after a kill at any single one of 558 writes every row was right, and none spoke of what was not there.
// Within a single write, too, a kill can strike, between two pages of memory: a piece of metadata that lies across them is torn, its
// checksum is wrong, and nobody can read that dataset any more. So the file is made of pages (HDF5's paged file space), across which no
// piece lies that is smaller than one. Each write of 70 images that crosses a page cut there, with 3 targets and with 16:
//   - as HDF5 lays files out by itself: 5 of 52 and 13 of 99 cuts leave a dataset unreadable, its header or the index of its chunks torn;
//   - in pages of 4096 bytes:           0 of 40 and 0 of 40; the empty file is 2 to 3 KiB larger, one of 100 images by 1%.
// Larger than a page are only blocks of an index of more than 16 thousand chunks: a million images, or 8 GiB of maps.
// SWMR creates no datasets: all of them are there from the start, and maps of all sizes share one, /cam/values.
//
// A power cut keeps any of the pages that were written, unless they were made to be on the disk: so each write of these is there before the
// next begins (hdf5_write_through()), and what holds for a kill at any single write holds for a power cut (tests/mpi/power_cut.py). Some 20
// writes for the rows of all tables; where that takes long, they come less often: in all it takes a twentieth of rank 0's time.
//
// Between writes, which is nearly always, every reader can open the file as it is. A reader that comes while a write is under way, or after
// a kill that struck in the midst of one, is told that the file is open for writing: it tries again, or opens it as a SWMR reader
// (h5py.File(path, "r", swmr=True)), or mends a dead run's file with `h5clear -s`.
// Rows of the last second before a kill are lost; where writes are slow, of the last 30 seconds. Space is set aside before each write, so
// that a full disk leaves the file good.
//
// What is in it, dataset by dataset: docs/run-file.md.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/picture/tiling.h"
#include "common/wire/run_rows.h"
#include "common/wire/timing.h"
#include "runfile/run_facts.h"

// Rises with every change after which files of before cannot be read, or would be misunderstood: a column that is neither a floating-point
// number nor a flag is added, any is removed or renamed, or means something else. Such a column more is none: older files lack it, and
// their readers ask run_cursor_has().
enum { RUN_FILE_FORMAT_VERSION = 4, RUN_FILE_FORMAT_OLDEST = 3 }; // that is written, and read

// What the values of a layer stand for: value i for `size` pixels around pixel centre + i * stride.
struct run_field {
    int stride, centre, size;
};

// What the root attributes say. Borrowed during run_file_create only.
struct run_file_header {
    const char *kind; // "dream" or "explain"
    const struct config *config;
    const int *channels;               // [targets] of each target's layer
    const struct run_field *fields;    // [targets] likewise; NULL: not known
    const char *cam_layer;             // whose class activation maps the frames show
    enum config_importance importance; // by which the channels' importance is found
    const char *weights_md5;
    const char *weights_source;
    const char *class_name;        // that the objective raises; "" or NULL: it raises none
    const char *guide_sha256;      // of the guide's file; "" or NULL: there is none
    const char *mask_sha256;       // of the mask's, likewise
    const char *statistics_sha256; // of the file of what channels answer to ordinary pictures; "" or NULL: nothing needed it
    const char *plan;              // text; "" if there is none
    int ranks;
    const char *const *hosts; // [ranks] the host of each rank
    const int *cores;         // [ranks] that each rank is bound to
    const int *node_cores;    // [ranks] that the ranks of its node are bound to together
    int workers;              // ranks that dream
    const struct tile_rules *tiles;
    bool halo_exact; // the halo covers the whole receptive field
};

struct run_file;

// An earlier run file, and the images whose rows are taken over from it, all of them or none. Of those that are not, the row in /images may
// be remembered, in /earlier; `before`: that is where it is.
struct run_earlier {
    const char *path;
    bool (*keep)(void *context, int64_t image);
    bool (*remember)(void *context, int64_t image, bool before); // NULL: none
    bool (*is_missing)(void *context, int64_t image);            // whether its input is not there any more; NULL: as the rows say
    bool (*is_own)(void *context, int64_t image);                // whether another one's dream (`same`) has become its own; NULL: none
    void *context;
};

// Writes a run file with empty tables, or with the rows of an earlier one, which may be the file at `path` itself. One that is there is
// replaced only when the new one is whole. `earlier` may be NULL. STATUS_FORMAT: the earlier file is none, or of another version or
// configuration.
enum status run_file_create(struct run_file **file, const char *path, const struct run_file_header *header,
                            const struct run_earlier *earlier) MUST_CHECK;

// Each takes a copy; the rows are written when a chunk is full or soon after, or by run_file_tick(). Bytes that are not UTF-8 become '?'.
// Rows stand in the order of the calls: hand in steps and frames as they come, and the image after its last. While the disk is full the
// rows wait in memory, and later calls try again; run_file_tick() says so. STATUS_IO: more than 64 MiB of them would have to wait, and
// these are lost, as is the row of the image that they belong to. run_file_close() will fail.
enum status run_file_add_steps(struct run_file *file, const struct step_row *steps, size_t count) MUST_CHECK;
// The map of one frame: (height, width) values as its grid says. frame->offset is not read.
enum status run_file_add_cam(struct run_file *file, const struct cam_row *frame, const float *values) MUST_CHECK;
enum status run_file_add_faithfulness(struct run_file *file, const struct faithfulness_row *row) MUST_CHECK;
enum status run_file_add_frame(struct run_file *file, const struct frame_row *row) MUST_CHECK;
// importance [targets]: the channels' values, or NULL where they are not known; NULL: nothing is known. peaks: likewise.
enum status run_file_add_image(struct run_file *file, const struct image_row *image, float *const *importance,
                               float *const *peaks) MUST_CHECK;
// In /earlier.
enum status run_file_add_earlier(struct run_file *file, const struct image_row *image) MUST_CHECK;
// One row for each phase that the rank entered, in the order of enum phase. Once a rank.
enum status run_file_add_timing(struct run_file *file, int rank, const struct timing *timing) MUST_CHECK;

// How far the run is, for those who look at it while it goes on; call it whenever that may have changed. Counts of rows are not read: the
// file has its own. run_file_tick() writes it.
void run_file_set_progress(struct run_file *file, const struct run_progress *progress);

// Writes if rows wait and a second has passed since the last write, or 20 times as long as that took, but no more than 30 seconds;
// without rows, if other pictures are in hand, or every 30 seconds if run_file_set_progress() is called.
// STATUS_IO if the disk is full: the rows still wait. Call it now and then while nothing else happens.
enum status run_file_tick(struct run_file *file) MUST_CHECK;

// Whether all that was handed in is in the file.
bool run_file_is_written(const struct run_file *file);

// Writes what waits, makes the summary of it, and frees the memory, also on failure. `complete`: every input has its row; the file says so
// only if no rows were lost, which is STATUS_IO. A NULL file is fine.
enum status run_file_close(struct run_file **file, bool complete) MUST_CHECK;

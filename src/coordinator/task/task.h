// SPDX-License-Identifier: MIT
// One image on its way through the program: from its source to its picture and its rows.
#pragma once

#include "common/picture/image.h"
#include "common/wire/messages.h"
#include "common/wire/run_rows.h"
#include "coordinator/output/folder_names.h"
#include "coordinator/task/clip_source.h"
#include "coordinator/task/task_output.h"
#include "coordinator/task/task_results.h"

struct task {
    struct task *next;              // in a queue
    int32_t *team;                  // [record.team] ranks that dream it; NULL before
    struct image_row record;        // what is known so far
    char name[FOLDER_NAME_MAX + 1]; // of its folder in the output folder
    struct image image;             // the original until it is sent, then what the output needs besides rgb, at last the dream
    enum job_kind job;              // what is done with it
    bool one_channel;               // a dream of one channel of a target alone, and of which
    int target, channel;            //
    bool peaks;                     // are wanted
    int others;                     // of the run's pictures that are sent behind it, as baselines
    struct task_frame {
        struct frame_job job;
        int segment;            // of its clip
        const float *before[2]; // [others] what came before it, (3, height, width); the clip's
        const float *ripe;      // [job.ripe] likewise
    } frame;                    // of JOB_FRAME
    struct clip_source *video;  // what the input is, if no picture
    struct task_results results;
    struct output output;
    struct checkpoint earlier; // the dream to go on with, its pixels until they are sent
    struct result result;      // from the team, until all that it found out has come
    bool has_result;
    double work;      // in units of progress, and what of it is done
    double work_done; // of whole steps
    double part;      // of the step under way
    double cost;      // on its team (schedule.h)
    double ready_at;  // when it could have been dreamed on, seconds of the monotonic clock
};

// What a command does with an input of this name.
enum job_kind task_job(enum config_use use, const char *source);

// Whether what was loaded is to be a clip: a video, or a picture that is zoomed into.
bool task_is_clip(const struct task *task, const struct config *config);

struct task *task_create(void); // NULL: no memory
void task_destroy(struct task **task);

// Of its image, as planes of floats.
int64_t task_pixel_bytes(const struct task *task);

// Those, and what is kept of its file until the dream is written.
int64_t task_bytes(const struct task *task);

// Notes this thread's status_message() as the reason why the image failed.
void task_failed(struct task *task);

// Tasks that wait: decoded images for a team, and dreams whose outputs are being written. Zeroed: empty. Owns its tasks.
struct task_queue {
    struct task *first;
    int count;
    double bytes; // task_bytes() of all
};

// Behind those of as much work or more: the largest first, equal ones in the order of the calls.
void task_queue_put(struct task_queue *queue, struct task *task);

void task_queue_append(struct task_queue *queue, struct task *task);

// The first; NULL if there is none.
struct task *task_queue_take(struct task_queue *queue);

// Of tasks behind output_end(): the first whose outputs are written, or, where more than `most` are left, the first in any case:
// output_finish() then waits for it. NULL: none.
struct task *task_queue_take_written(struct task_queue *queue, int most);

// One that is in it.
struct task *task_queue_remove(struct task_queue *queue, struct task *task);

void task_queue_clear(struct task_queue *queue);

// SPDX-License-Identifier: MIT
// What the coordinator and the workers say to each other. This is the only place where the two meet; lead.h is the same by calls.
//
//   coordinator                               each member of a team
//     job (dream, id, size, team), ranks ---->
//                                        <----     the first member: report (ready), all have memory; or (result: failed)
//     its rows of the image, and of the dream to go on with, if there is one   ---->
//                                        <----     the first member: report (step), after each update; (part), in long ones
//                                        <----     any member: array, array values: a part of a frame, a table or the dream's state
//                                        <----     the first member: report (result: id, status, metrics)
//                                        <----     its rows of the dream, if there is one
//
//     read (id, source)                  ---->     a picture that this worker reads, dreams and writes by itself, beside the one in hand
//                                        <----     ask: it is read, and these are its bytes
//     answer                             ---->     whether it is to be dreamed, or another one of the same bytes is
//                                        <----     rows: all that the run file is to have of it
//                                        <----     returned: it was not begun, since it needs a larger team or since a signal has come
//
//     stop                               ---->     ends the image in hand early, its result says so
//     job (exit)                         ---->
//                                        <----     timing
//
// Beside that, between any ranks: pulse (I am there), and team, by which members find each other.
//
// Structs travel as their bytes between ranks of one program on machines of one kind. A worker holds one image at a time; the ranks that
// were sent the same job are its team, the first of them speaks for it.
#pragma once

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/picture/heat.h"
#include "common/system/status.h"
#include "common/wire/run_rows.h"

enum message_tag {
    MESSAGE_JOB = 1,
    MESSAGE_JOB_RANKS, // int32_t[members], ascending: the team
    MESSAGE_JOB_PIXELS,
    MESSAGE_STOP,
    MESSAGE_REPORT,
    MESSAGE_REPORT_PIXELS,
    MESSAGE_ARRAY,        // struct array_part
    MESSAGE_ARRAY_VALUES, // float[channels * rows * columns] of the part
    MESSAGE_TIMING,       // struct timing
    MESSAGE_READ,         // and what comes of it: coordinator/delegation.h
    MESSAGE_ASK,
    MESSAGE_ANSWER,
    MESSAGE_ROWS,
    MESSAGE_RETURNED,
    MESSAGE_PULSE, // a byte: this rank is there (watchdog.h)
    MESSAGE_TEAM   // to set up a team; inside, members talk over a communicator of their own
};

enum { COORDINATOR_RANK = 0 };

// JOB_SCAN: one pass, for an atlas; JOB_FRAME: of a clip (struct frame_job)
enum job_kind { JOB_DREAM, JOB_EXPLAIN, JOB_SCAN, JOB_FRAME, JOB_EXIT, JOB_NONE };

// Of a picture: each channel's mean and standard deviation, in [-1, 1].
struct frame_colours {
    double mean[3], deviation[3];
};

// A frame of a clip. Of one that has a frame before it, `others` are what came before: of a video that frame and its dream, of a zoom the
// dream alone, whose own picture is nothing.
struct frame_job {
    int64_t number; // in the clip
    int64_t ripe;   // values behind the others, of sequence_ripe(), to each member all of them; 0: none
    int32_t zoomed; // the field is known: what is seen of the dream before `scale` times as large and turned, about a point
    double scale, degrees, x, y;
    struct frame_colours colours; // of a zoom: those of the picture that it began with
};

struct job {
    int32_t kind;
    int32_t members;  // of the team
    int64_t image;    // id
    uint64_t picture; // keys its random numbers (rng.h)
    int32_t width, height;
    int32_t one_channel, target, channel; // whether the dream is of one channel of a target alone, and of which
    int32_t peaks;                        // ARRAY_PEAKS is wanted
    int32_t others;                       // further pictures of the same size that come behind the first, as baselines
    struct frame_job frame;
    int32_t goes_on; // from `from`: the rows of the dream's octave come behind them all
    struct dream_state from;
};

// What is known of an image besides its pixels: whole arrays, each made of parts that members hold.
enum array_kind {
    ARRAY_FRAME,               // (3, height, width) of the video; see frames.h
    ARRAY_HEAT,                // (1, height, width) class activation map of a frame, with its grid
    ARRAY_IMPORTANCE,          // (channels, 1, 1) of a target
    ARRAY_IMPORTANCE_EXPECTED, // the same by expected gradients
    ARRAY_ACTIVATION,          // (channels, height, width) of a target
    ARRAY_CAM,                 // (1, height, width) of a target, with its grid; variant: enum config_cam
    ARRAY_GRADIENT,            // (3, height, width) d loss / d image, plain
    ARRAY_GUIDED_GRADIENT,     // the same by the rule of config gradient
    ARRAY_SMOOTHGRAD,          // (1, height, width)
    ARRAY_EXPECTED_GRADIENTS,  // (3, height, width)
    ARRAY_BASELINE,            // (3, height, width); variant: enum baseline
    ARRAY_FAITHFULNESS,        // (2, 1, steps + 1) deletion and insertion by a map; variant: enum explained_map; of a target or of none
    ARRAY_PEAKS,               // (channels, PEAK_KINDS, PEAK_NUMBERS) of a target
    ARRAY_RIPE,                // (1, height, width) of the flow: sequence_ripe() behind a frame
    ARRAY_STATE,               // (3, height, width) of the dream where it can be taken up, before `step`; frame: how many came before
};

enum baseline { BASELINE_BLACK, BASELINE_BLURRED, BASELINE_IMAGE }; // BASELINE_IMAGE + i: another picture of the run
enum { BASELINE_IMAGES_MAX = 4 };

struct array_part {
    int64_t image;
    int32_t kind;                    // enum array_kind
    int32_t target;                  // number of the target that it belongs to; -1: none
    int32_t variant;                 // see above
    int32_t frame;                   // number, from 0; -1: none
    int32_t octave, step;            // that it was made in; a finished dream is one step behind the last
    int32_t channels, height, width; // of the whole array
    int32_t y, x, rows, columns;     // of this part
    struct heat_grid grid;           // of a map; of faithfulness: the cells, stride pixels wide
    double facts[4]; // of a map: its largest value before it was scaled to [0, 1]; of expected gradients: L(x), E L(b), residual; of the
                     // blurred baseline: sigma in pixels; of SmoothGrad: samples, sigma; of faithfulness: areas of deletion and insertion,
                     // correlation with the map of random weights, L of a flat picture
};

struct result {
    int64_t image;
    int32_t status; // enum image_status
    int32_t has_pixels;
    int64_t arrays; // array messages that all members have sent
    double seconds;
    struct picture_metrics before, after;
    struct frame_facts frame; // of one of a clip
    char error[ROW_ERROR_MAX];
};

// How far the step under way has come.
struct part {
    double pixels; // of the octave, done
};

enum report_kind { REPORT_READY, REPORT_STEP, REPORT_PART, REPORT_BEFORE, REPORT_RESULT };

struct report {
    int32_t kind;
    union {
        struct step_row step;
        struct part part;
        struct picture_metrics before; // of the original, with a state
        struct result result;
    };
};

// What mattered went wrong: a message about an MPI call's return code.
enum status mpi_check(int code, const char *what) MUST_CHECK;

// From now on errors are returned instead of ending the program: those of the world, of communicators made from it, and of calls that
// belong to none, which MPI 4 counts to each rank's own and MPI 3, and MPICH's tests of requests, to the world.
enum status mpi_errors_return(void) MUST_CHECK;

// Waits without spinning: tests, and sleeps between tests, first briefly, then longer. For waits that may last.
enum status mpi_wait(MPI_Request *request) MUST_CHECK;

// The same, but tests often: large messages only move while somebody tests.
enum status mpi_wait_moving(MPI_Request *request) MUST_CHECK;

// Whether a message is there; does not wait.
enum status mpi_probe(MPI_Comm comm, int source, int tag, bool *there, MPI_Status *status) MUST_CHECK;

// Blocking send and receive that do not spin.
enum status mpi_send(const void *bytes, size_t size, int to, int tag, MPI_Comm comm) MUST_CHECK;
enum status mpi_receive(void *bytes, size_t size, int from, int tag, MPI_Comm comm) MUST_CHECK; // exactly `size` bytes, or STATUS_INTERNAL

// The same for a message of any size up to `room`.
enum status mpi_receive_some(void *bytes, size_t room, size_t *size, int from, int tag, MPI_Comm comm) MUST_CHECK;

// Many values: large messages only move while somebody tests.
enum status mpi_receive_values(float *values, size_t count, int from, int tag, MPI_Comm comm) MUST_CHECK;

// Rows of an image: three planes of `count` values each, `stride` values apart. Nothing is sent for 0.
enum status mpi_send_rows(const float *values, size_t count, size_t stride, int to, int tag, MPI_Comm comm) MUST_CHECK;
enum status mpi_receive_rows(float *values, size_t count, size_t stride, int from, int tag, MPI_Comm comm) MUST_CHECK;

// Sleeps a little longer each time it is called in a row; `*idle` counts the calls and is set to 0 by whoever found work.
void mpi_idle(unsigned *idle);

// The same, for loops that keep large messages moving.
void mpi_pause_moving(unsigned *idle);

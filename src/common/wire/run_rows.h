// SPDX-License-Identifier: MIT
// One row of each table of the run file. Plain bytes: they travel between ranks as they are.
#pragma once

#include <stdint.h>

#include "common/config/config.h"
#include "common/numbers/distribution.h"
#include "common/picture/heat.h"

enum { ROW_SOURCE_MAX = 1024, ROW_ERROR_MAX = 512, ROW_PHASE_MAX = 16, ROW_HOST_MAX = 72, ROW_METRIC_MAX = 32 };
enum { SUMMARY_MAP_SIDE = 32 };

enum image_status { IMAGE_DONE, IMAGE_FAILED, IMAGE_STOPPED };

// What the activation A of one target, all its channels at all positions of an octave, is like. NaN where it is not known.
struct target_metrics {
    double loss;           // of the objective, unweighted
    double score;          // DeepDream score: mean |A|
    double sparsity;       // 1 - mean(A > metrics.threshold)
    double hoyer;          // (sqrt(n) - |A|_1 / |A|_2) / (sqrt(n) - 1) of its n values: 0 all equal, 1 a single one (Hoyer 2004)
    double diversity;      // 1 - mean cosine of its channels, over pairs of channels that are not silent
    double diversity_seed; // 1 - |A|_2^2, as in the notebook that Oneiros descends from
};

// One gradient-ascent update. Losses are those of the image before the update.
struct step_row {
    int64_t image;                                     // id of the row in /images
    int32_t octave;                                    // 0 is the smallest
    int32_t step;                                      // 0-based within the octave
    int32_t width, height;                             // pixels of the octave
    int32_t frame;                                     // number of the frame that shows the image before the update; -1: none does
    double loss;                                       // weighted sum over targets, without the total-variation term
    struct target_metrics targets[CONFIG_TARGETS_MAX]; // in the order of `targets`; the rest is 0
    double total_variation;                            // sum |dx| + sum |dy| over channels, divided by the number of samples
    double psnr;                                       // dB, to the original at this size; infinite where they are the same
    double gradient_norm;                              // l2 norm of the gradient before it is normalised
    double seconds;
};

// What a whole picture at full size is like. NaN where it is not known.
struct picture_metrics {
    double loss;
    struct target_metrics targets[CONFIG_TARGETS_MAX];
    double total_variation;
    double psnr; // to the original
};

// Metrics of which nothing is known.
struct picture_metrics picture_metrics_unknown(void);

// How a frame of a clip came to be, behind the one before it. NaN where it is not known.
struct frame_facts {
    double trust;                        // mean, of the field that moves what was dreamed before; 0 of a first frame
    double warp_error, warp_error_input; // field_error() of luminance in 0..255: of the dreams, and of the frames
    int32_t steps;                       // updates of each octave
    int32_t cut, first;                  // it shows nothing of the frame before; there is none
};

// A frame of a clip, in its segment's order.
struct frame_row {
    int64_t image;   // id of the row in /images
    int64_t frame;   // of the clip, from 0
    int32_t segment; // that it was dreamed in, from 0
    double time;     // s, in the clip
    struct frame_facts facts;
    struct picture_metrics metrics; // of the dream
    double seconds;                 // that it took
};

// Where a dream stands between two updates, besides its pixels: all that is needed to go on.
struct dream_state {
    int64_t image;                   // id
    int32_t octave, step;            // updates of this octave that are done
    int32_t width, height;           // of the octave
    int32_t full_width, full_height; // of the picture; a worker does not say
    struct picture_metrics before;   // the original
};

// One input.
struct image_row {
    int64_t id;                  // 0, 1, 2, ... in the order of the inputs; what was added later has the next ones that are free
    char source[ROW_SOURCE_MAX]; // path, URL or noise:... as found; longer ones are cut at the front
    char sha256[65];             // of the input's bytes; empty if it could not be read
    char output[ROW_SOURCE_MAX]; // of the picture, relative to the output folder; empty if there is none; of a failed one, that of its
                                 // earlier dream
    int64_t bytes, modified;     // of the input: size; last change of a file, ns since 1970, 0 for a URL
    int32_t width, height, bits; // of the input, after input.resize; 0 if it could not be decoded
    int32_t band_red, band_green, band_blue; // of a TIFF of grey or RGB, from 1; 0 of others
    double range_low, range_high;            // its values that are black and white; NaN of others
    int32_t status;                          // enum image_status
    int64_t same;                            // 1 + id of the picture of the same bytes whose dream is this one's, too; 0: none
    int32_t missing;                         // 1: done by an earlier run, and its file is not there any more
    int32_t rank;                            // the first of the ranks that dreamed it; -1 if none did
    int32_t team;                            // ranks that dreamed it; 0 if none did
    int32_t tiles;                           // of the largest octave; 0 if none
    double redundancy;                       // pixels that the network saw / pixels of the octaves; NaN if none
    char error[ROW_ERROR_MAX];               // empty unless failed
    double seconds_read, seconds_decode, seconds_wait, seconds_dream, seconds_encode;
    struct picture_metrics before, after; // the original and the dream
    // Of the importance of each target's channels by expected gradients; NaN by any other method, and where it is not known.
    double importance_value[CONFIG_TARGETS_MAX];    // L of the dream: the weighted loss of the target and those behind it
    double importance_expected[CONFIG_TARGETS_MAX]; // mean L of the baselines
    double importance_residual[CONFIG_TARGETS_MAX]; // |sum - (value - expected)| / |value - expected|
};

// Sets what is NaN while it is not known.
void image_row_unknown(struct image_row *image);

// The class activation map of one frame. The values themselves, (height, width) of the grid in [0, 1], go along with it.
struct cam_row {
    int64_t image;         // id of the row in /images
    int32_t frame;         // number within the image, as in step_row
    int32_t octave, step;  // that it was made in
    struct heat_grid grid; // where the values lie on the octave
    double scale;          // its largest value before it was scaled to [0, 1]
    int64_t offset;        // of its first value in /cam/values; the run file sets it
};

// Where a picture excites a channel most, by its activation A and by its relevance A * d loss / d A: three floats each, as in the run file.
// NaN and -1 where it does nowhere.
enum { PEAK_ACTIVATION, PEAK_RELEVANCE, PEAK_KINDS };
enum { PEAK_VALUE, PEAK_Y, PEAK_X, PEAK_NUMBERS }; // place: of the layer's grid; of equal values the first, row by row

// A map of an explanation; those of a class activation map as enum config_cam. The last two are of no network.
enum explained_map {
    EXPLAINED_GUIDED_GRADCAM = CAM_CLASS + 1, // this and those before it: of a target
    EXPLAINED_SALIENCY,
    EXPLAINED_SALIENCY_GUIDED,
    EXPLAINED_SMOOTHGRAD,
    EXPLAINED_EXPECTED_GRADIENTS,
    EXPLAINED_EDGES,
    EXPLAINED_RANDOM,
    EXPLAINED_KINDS
};
enum { EXPLAINED_MAPS_MAX = (EXPLAINED_GUIDED_GRADCAM + 1) * CONFIG_TARGETS_MAX + EXPLAINED_KINDS };

// As in explain.h5.
const char *explained_map_name(int map);

// How far a map of a picture can be believed. NaN where it is not known.
struct faithfulness_row {
    int64_t image;                // id of the row in /images
    char map[ROW_METRIC_MAX];     // explained_map_name()
    char target[CONFIG_NAME_MAX]; // layer; empty: of the whole loss
    double deletion, insertion;   // areas under the curves (worker/look/faithfulness.h)
    double randomised;            // rank correlation with the map that random weights give
};

// One rank of the job, those before it in the table being the ranks before it.
struct rank_row {
    char host[ROW_HOST_MAX];
    int32_t cores;      // that it is bound to
    int32_t node_cores; // that the ranks of its host are bound to, all together
};

// One phase of one rank.
struct timing_row {
    int32_t rank;
    char phase[ROW_PHASE_MAX]; // phase_name()
    int64_t count;             // times that the rank entered it; > 0
    double seconds;
    int64_t bytes; // moved between ranks, or read and written
};

// What a set has in common. One number of /images, a metric, over all pictures that are done, each of its bytes once.
struct metric_summary {
    char metric[ROW_METRIC_MAX];  // the column
    char target[CONFIG_NAME_MAX]; // layer; empty: a number of the whole picture
    struct distribution numbers;
};

// The importance of one channel over these pictures.
struct channel_summary {
    int32_t channel;
    struct moments importance;
    double top_ten; // part of the pictures in which it is among the ten that count most, whatever their sign
};

// One measure of one map over these pictures.
struct faithfulness_summary {
    char map[ROW_METRIC_MAX], target[CONFIG_NAME_MAX]; // as in faithfulness_row
    char measure[ROW_METRIC_MAX];
    struct moments numbers;
};

// A picture whose number lies far from those of the others.
struct outlier_row {
    char metric[ROW_METRIC_MAX], target[CONFIG_NAME_MAX]; // as in metric_summary
    char sha256[65];                                      // of the input's bytes
    char source[ROW_SOURCE_MAX];
    double number;
    double deviations; // (number - median) / (1.4826 median |number - median|): of normal numbers, standard deviations
};

// The mean class activation map of these pictures, each brought to SUMMARY_MAP_SIDE x SUMMARY_MAP_SIDE, row by row.
struct map_summary {
    char frame[8]; // "first": of the picture, or "last": of the dream
    int64_t count; // maps
    double mean[SUMMARY_MAP_SIDE * SUMMARY_MAP_SIDE];
};

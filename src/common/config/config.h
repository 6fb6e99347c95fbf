// SPDX-License-Identifier: MIT
// Every setting of a run. One declarative schema (config_schema.c) feeds the YAML files, the environment, `-s key=value`, --print-config
// and the help. Precedence: defaults < preset < file < environment (ONEIROS_<KEY>, dots as underscores) < -s.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/picture/geometry.h"
#include "common/system/file.h"
#include "common/system/status.h"

enum {
    CONFIG_TARGETS_MAX = 16,
    CONFIG_NAME_MAX = 32,
    CONFIG_PATH_MAX = 4096,
    CONFIG_CLASS_MAX = 128,
    CONFIG_CHANNELS_MAX = 64,
    CONFIG_RANGE_MAX = 64
};

enum config_objective { OBJECTIVE_MEAN_SQUARE, OBJECTIVE_MEAN, OBJECTIVE_GUIDE, OBJECTIVE_CLASS };
enum config_gradient { GRADIENT_GUIDED, GRADIENT_PLAIN, GRADIENT_DECONV };
enum config_normalize { NORMALIZE_STD, NORMALIZE_RMS, NORMALIZE_MEAN_ABS, NORMALIZE_L2, NORMALIZE_NONE };
enum config_colours { COLOURS_DREAM, COLOURS_ORIGINAL };
enum { BALANCE_AUTO = -1, SATURATION_NONE = 0 };
enum config_clip { CLIP_COLOUR, CLIP_CHANNELS };
enum { TILE_HALO_AUTO = -1, TILE_HALO_EXACT = -2 };
enum config_output_format { OUTPUT_AUTO, OUTPUT_PNG, OUTPUT_TIFF, OUTPUT_JPEG };
enum config_damaged { DAMAGED_REFUSE, DAMAGED_ACCEPT };
enum config_equal { EQUAL_ONCE, EQUAL_EACH };
enum config_folders { FOLDERS_AUTO, FOLDERS_TREE, FOLDERS_FLAT, FOLDERS_GROUPED };
enum config_network_input { NETWORK_INPUT_SIGNED, NETWORK_INPUT_UNIT };
enum config_cam { CAM_GRAD, CAM_GRAD_PLUS_PLUS, CAM_LAYER, CAM_HIRES, CAM_CLASS };
enum config_importance { IMPORTANCE_GRADIENT_ACTIVATION, IMPORTANCE_EXPECTED_GRADIENTS };
enum config_precision { PRECISION_AUTO, PRECISION_F32, PRECISION_BF16 };
enum config_io { IO_AUTO, IO_COORDINATOR, IO_WORKERS };
enum config_use { CONFIG_DREAM = 1, CONFIG_EXPLAIN = 2, CONFIG_ATLAS = 4 }; // what the settings are for: `oneiros dream`, ...

// "dream", "explain", "atlas"; and back: CONFIG_DREAM where it is none of them.
const char *config_use_name(enum config_use use);
enum config_use config_use_named(const char *name);
enum config_colormap { COLORMAP_TURBO, COLORMAP_VIRIDIS, COLORMAP_JET };

struct config_target {
    char layer[CONFIG_NAME_MAX];
    double weight;
    // Channel numbers that the objective sees; none of either kind: all channels, raised. No number is there twice.
    int channel_count, lowered_count;
    int channels[CONFIG_CHANNELS_MAX]; // whose activation is raised
    int lowered[CONFIG_CHANNELS_MAX];  // whose activation is lowered
    int automatic;                     // how many channels the picture chooses by itself; 0: those above
    int place_count;                   // 2: the objective sees one position only, a neuron of each channel; 0: all
    double place[2];                   // its x and y, as parts of the picture's width and height, 0..1
    int octave_count;                  // 2: the target counts in some octaves only; 0: in all
    double octaves[2];                 // the first and the last, as parts of the way from the smallest (0) to full size (1)
};

struct config_targets {
    int count; // >= 1
    struct config_target items[CONFIG_TARGETS_MAX];
};

// No pointers: the coordinator broadcasts it as bytes.
struct config {
    struct config_targets targets;
    enum config_objective objective;
    double balance;               // how far channels that answer to any picture are held back, 0..1; BALANCE_AUTO
    double saturation;            // of OBJECTIVE_MEAN_SQUARE: activations far above it pull no harder; SATURATION_NONE
    char guide[CONFIG_PATH_MAX];  // picture or URL for OBJECTIVE_GUIDE; "none"
    char class[CONFIG_CLASS_MAX]; // for OBJECTIVE_CLASS: its number, or until the model file is read its name
    char mask[CONFIG_PATH_MAX];   // picture or URL: where pictures are dreamed on; "none"
    double mask_feather;          // how far from its black it fades in, as a part of its shorter side
    enum config_gradient gradient;
    char gradient_above[CONFIG_NAME_MAX]; // the rule of `gradient` holds behind this layer, the plain gradient up to it
    double gradient_strength;             // of the rule, 0..1; 0: none
    struct octave_rule octaves;
    int steps; // per octave
    double step_size;
    double step_decay; // step k of an octave uses step_size * step_decay^k
    int jitter;        // pixels, largest roll in each direction
    enum config_normalize normalize;
    double total_variation; // weight of the total-variation term in the objective
    double smooth;          // sigma in pixels of the Gaussian blur of the gradient; 0: none
    struct {
        int pyramid;   // bands of the Laplacian pyramid that are brought to one strength; 0: none
        double coarse; // each band's strength is 2^coarse times that of the finer one
        double colour; // how far the gradient's colours follow those of natural pictures, 0..1
    } shape;
    enum config_colours colours;
    enum config_clip clip;
    uint64_t seed;
    enum config_network_input network_input; // pictures are -1..1 or 0..1 to the network
    struct {
        int every;                                   // steps from one look at saliency, CAM and importance to the next
        double saliency, cam;                        // strength of each as a mask on the gradient, 0..1
        double importance;                           // how far the channels' weights in the objective follow their importance, 0..1
        double add_magnitude, add_saliency, add_cam; // weights of added terms
    } guidance;
    struct {
        enum config_cam method;
        char layer[CONFIG_NAME_MAX]; // "auto": the deepest target
    } cam;
    struct {
        enum config_importance method;
        int samples;                     // of expected gradients
        char baselines[CONFIG_NAME_MAX]; // of expected gradients: words with commas, of black, blurred, images
    } importance;
    struct {
        int samples;  // of SmoothGrad; 0: none
        double noise; // its sigma, in pictures of -1..1
    } saliency;
    struct {
        int size;      // pixels of a channel's dream, each way
        int exemplars; // places of the set for each channel
    } atlas;
    struct {
        int steps; // of a curve of deletion or insertion; 0: none
    } faithfulness;
    struct {
        double threshold; // of sparsity
    } metrics;
    struct {
        int every; // steps
        bool cam, dream, png;
    } frames;
    struct {
        double rate;  // frames a second
        double hold;  // seconds that the last frame stays
        int max_side; // pixels; larger pictures are shown smaller
        int quality;  // CRF of H.264: 0 the best
        char encoder[CONFIG_NAME_MAX];
        enum config_colormap colormap;
        double steadiness; // of the maps shown, 0..1: what stays of the map that was shown before
        double opacity;    // of the map over the picture, 0..1
    } video;
    struct {
        int steps;               // of a frame of a video that has one before it
        double keep;             // of what was dreamed before, 0..1
        double haste;            // how much stronger the gradient is where nothing has been dreamed yet
        int segment, lead, fade; // frames
    } motion;
    struct {
        int frames;                   // of each picture's zoom; 0: none is made
        double scale, rotate;         // from frame to frame; degrees
        char centre[CONFIG_NAME_MAX]; // "x/y", parts of width and height
        int steps;                    // of each frame behind the first
    } zoom;
    struct {
        int size; // longest side of what the network sees at once, pixels; 0: auto
        int halo; // pixels; TILE_HALO_AUTO, TILE_HALO_EXACT
        int blend;
    } tile;
    struct {
        int size; // ranks that share an image; 0: auto
    } team;
    int threads; // per worker rank; 0: auto
    enum config_precision precision;
    enum config_io io;
    char plan[CONFIG_PATH_MAX]; // "auto", "off", "onednn", or a file
    struct {
        uint64_t limit; // bytes a rank may use for one image; 0: auto
    } memory;
    struct {
        double seconds; // between two states of a dream; 0: none is kept but when it is stopped
    } checkpoint;
    struct {
        double seconds; // without a sign of life from a rank; 0: for ever
    } watchdog;
    struct {
        char path[CONFIG_PATH_MAX]; // "auto": the user's cache
    } model;
    struct {
        enum config_output_format format;
        int quality; // of JPEG, 1..100
        enum config_folders folders;
    } output;
    struct {
        char bands[CONFIG_NAME_MAX], range[CONFIG_RANGE_MAX]; // as image_choice_parse() has them
        enum config_damaged damaged;
        enum config_equal equal;
        int resize;   // pixels of the shorter side that inputs are brought to; 0: as they are
        int max_side; // pixels; larger inputs are refused
        uint64_t max_pixels;
        uint64_t max_bytes; // of the file
    } input;
    struct {
        int parallel;           // downloads at once
        double connect_seconds; // to resolve the name and connect
        double stall_seconds;   // below 1000 bytes a second for so long: stalled
        double total_seconds;   // one attempt
        int attempts;
        char user_agent[CONFIG_PATH_MAX];  // "auto": oneiros and its version
        char header[CONFIG_PATH_MAX];      // "Name: value", a secret; "none"
        char header_host[CONFIG_PATH_MAX]; // that alone gets it; "any"
    } fetch;
};

// Defaults.
void config_init(struct config *config);

// Each of these changes only the keys that are named. `path` and `text` errors carry file and line; unknown keys (with the nearest known
// one), wrong types and values out of range are refused with the allowed range. A file is taken whole or not at all.
enum status config_load_file(struct config *config, const char *path) MUST_CHECK;
// The same of a file's text, which has each key at most once, nested or dotted. Anchors, aliases, tags and second documents are refused, so
// that no file is bigger or deeper than it looks. `path` is for messages: "path:line: key: what is wrong".
enum status config_yaml_read(struct config *config, const char *path, const void *bytes, size_t size) MUST_CHECK;
// presets/<name>.yaml in $ONEIROS_CONFIG_DIR, in the installed folder or in the source tree, the first that has it.
enum status config_load_preset(struct config *config, const char *name) MUST_CHECK;
// All of them, a line each: the name, and the first line of the comment at the top of the file.
void config_print_presets(FILE *stream);
// Where files of this kind that come with the program ("presets") are: in the user's own folder, $ONEIROS_CONFIG_DIR, the installed one,
// and the source tree; empty where there is none.
enum { CONFIG_FOLDERS = 3 };
enum status config_folders(const char *kind, char folders[CONFIG_FOLDERS][FILE_PATH_MAX]) MUST_CHECK;
enum status config_load_environment(struct config *config, char *const *environment) MUST_CHECK;
enum status config_set(struct config *config, const char *key_value) MUST_CHECK; // "key=value"
// What only the whole can show. Called once after all sources. Whether the layers exist is checked by those who know the network
// (arguments_check_config).
enum status config_check(const struct config *config) MUST_CHECK;

// Where zoom.centre says, 0 to 1 each.
enum status config_zoom_centre(const struct config *config, double *x, double *y) MUST_CHECK;

// Whether its objective weighs channels; whether pictures choose channels of a target by themselves.
bool config_weighs_channels(const struct config *config);
bool config_chooses_channels(const struct config *config);

// Whether it takes statistics of channels over ordinary pictures, for balance or for channels that pictures choose by themselves; whether
// it can use them: balance: auto does without where there are none.
bool config_needs_statistics(const struct config *config);
bool config_wants_statistics(const struct config *config);

// Whether importance.baselines, which config_check() has seen, has this word.
bool config_has_baseline(const struct config *config, const char *word);

// The whole configuration as YAML that config_load_file() reads back to the same values. `comments`: with every key's help.
enum status config_print(const struct config *config, bool comments, FILE *stream) MUST_CHECK;
// As a malloc'ed string without comments (for run.h5).
enum status config_to_string(const struct config *config, char **text) MUST_CHECK;

// False if a dream, or an explanation, has the same bytes under both. Otherwise `text` names the first keys that differ: "steps was 20 and
// is 40; seed was 0 and is 1".
bool config_difference(const struct config *was, const struct config *is, enum config_use use, char *text, size_t size);

// Hands over each key that is not at its default and matters to dreams or to explanations, and its value as one would type it behind
// -s KEY=. What a run has chosen by itself is none of them: output.folders where it is a tree, balance: 0 of explanations. False: no
// memory.
bool config_changes(const struct config *config, enum config_use use, void (*take)(void *context, const char *key, const char *value),
                    void *context);

// A table of the keys that matter to dreams or to explanations, their defaults, ranges and help, for --help.
void config_print_help(enum config_use use, FILE *stream);

// SPDX-License-Identifier: MIT
// How Keras names and shapes the weights of the network: what the reader and the writer of its HDF5 files agree on.
//
// Convolution N of the network is the pair of layers conv2d_N (kernel) and batch_normalization_N (beta, moving_mean, moving_variance).
// Keras numbers layers in creation order from whatever number the process had reached, and newer versions leave the number of the
// first one out, so layers are matched by order, not by number.
//
// Files with the classifier, the top, have the layer `predictions` too: kernel (features, classes) and bias (classes) of a dense layer on
// the mean of the last layer's output.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/system/status.h"
#include "kernels/network/network.h"
#include "weights/formats/class_names.h"

#define KERAS_CONV "conv2d"
#define KERAS_NORM "batch_normalization"
#define KERAS_TOP "predictions"

// What our own files say besides.
#define KERAS_COUNT_PADDING "oneiros_count_padding"
#define KERAS_NORMALISED "oneiros_input_imagenet"
#define KERAS_CLASS_NAMES "oneiros_classes"

enum keras_part { KERAS_KERNEL, KERAS_BETA, KERAS_MEAN, KERAS_VARIANCE, KERAS_PARTS };
enum keras_top_part { KERAS_TOP_KERNEL, KERAS_TOP_BIAS, KERAS_TOP_PARTS };

enum { KERAS_CLASSES = -1 }; // 1 to NETWORK_CLASSES_MAX

struct keras_shape {
    int rank;    // 0: a single value; below 0: more than four dimensions, which no weight of the network has
    int dims[4]; // the kernel: height, width, in, out; the others: out; KERAS_CLASSES: what a file may choose
};

// All of one convolution's values, each as keras_shape says.
struct keras_values {
    float *parts[KERAS_PARTS];
};

enum { KERAS_SOURCE_MAX = 512 };

// All that a file of weights says. Zeroed: nothing yet.
struct keras_model {
    struct keras_values *convs;    // [conv_count], as of keras_values_create()
    int classes;                   // of the classifier; 0: there is none
    float *top[KERAS_TOP_PARTS];   // of that many classes
    bool count_padding;            // of average pools: parameters.h
    bool normalised;               // for pictures of -1..1, from weights for ones less ImageNet's mean, by their deviation
    const char *kind;              // of file that it was read from
    struct class_names *names;     // as many as classes; NULL: unknown
    char source[KERAS_SOURCE_MAX]; // origin and licence
};

enum status keras_model_create(struct keras_model *model, const struct network *network) MUST_CHECK; // room for all but the classifier
enum status keras_model_add_top(struct keras_model *model, const struct network *network, int classes) MUST_CHECK;
void keras_model_free(struct keras_model *model);
size_t keras_model_count(const struct keras_model *model, const struct network *network); // of weights, those of the classifier among them

// As many names as there are classes; of one more than NETWORK_CLASSES_MAX all but the first.
enum status keras_model_name_classes(struct keras_model *model, const struct class_names *names) MUST_CHECK;

// Makes weights that were trained on (picture - mean) / deviation, pictures being 0..1, ones for pictures of -1..1. The first convolution
// has no padding, so that this changes nothing else.
void keras_model_normalise(struct keras_model *model, const struct network *network, const double mean[3], const double deviation[3]);

// The order of convolutions in Model.layers of Keras: order[k] is the number, from 0 on in order of creation, of the k-th. Layers lie there
// by their distance from the output, those farthest away first, equal ones as a walk from the output finds them
// (keras/src/models/functional.py, map_graph). Normalisations lie in the same order.
void keras_depth_order(const struct network *network, int *order);

// Room for the values of all convolutions, [conv_count], in one piece: free() it. NULL without memory.
struct keras_values *keras_values_create(const struct network *network);

struct keras_shape keras_shape(const struct network *network, int conv, enum keras_part part);
struct keras_shape keras_top_shape(const struct network *network, enum keras_top_part part);
size_t keras_count(const struct keras_shape *shape);
size_t keras_part_count(const struct network *network, int conv, enum keras_part part);
// "3 x 3 x 32 x 64" into `text`.
void keras_shape_text(const struct keras_shape *shape, char text[64]);

extern const char *const keras_part_names[KERAS_PARTS];         // "kernel", "beta", "moving_mean", "moving_variance"
extern const char *const keras_top_part_names[KERAS_TOP_PARTS]; // "kernel", "bias"

// Whether a weight's name ends in this part ("conv2d_1/kernel:0", ":0" optional).
bool keras_is_called(const char *weight_name, const char *part_name);

// The part that a weight's name ends in, or -1 for anything else.
int keras_part_find(const char *weight_name);

// The number of a layer called base or base_<number> (0 without one), or -1 for any other name.
int keras_layer_number(const char *name, const char *base);

// Refuses values that are not finite; `name` is for the message.
enum status keras_check_finite(const char *name, const float *values, size_t count) MUST_CHECK;

// Those and negative variances.
enum status keras_check_values(enum keras_part part, const float *values, size_t count) MUST_CHECK;

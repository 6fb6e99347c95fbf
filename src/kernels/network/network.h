// SPDX-License-Identifier: MIT
// InceptionV3 as one table: layers, shapes, wiring. Everything else (execution, receptive fields, strides, memory, names of weights)
// derives from it. Rows are in the creation order of Keras, inputs before consumers.
//
// Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015 (arXiv:1512.00567), as built by
// keras.applications.inception_v3.
#pragma once

#include <stdbool.h>

enum layer_kind {
    LAYER_INPUT,
    LAYER_CONV,     // convolution without bias + batch normalisation without gamma + ReLU
    LAYER_MAX_POOL, // valid
    LAYER_AVG_POOL, // same, the padding left out of the average, or counted where the weights want it (parameters.h)
    LAYER_CONCAT,   // along channels
};

enum { LAYER_INPUTS_MAX = 4, LAYER_NAME_MAX = 32, NETWORK_CLASSES_MAX = 1000, CONV_PARTS_MAX = 4 };

struct layer {
    const char *name;
    enum layer_kind kind;
    int channels;           // of the output
    int kernel_h, kernel_w; // 1 x 1 for input and concat
    int stride;             // both directions
    bool same;              // TensorFlow's `same` padding (stride 1 only here); otherwise `valid`
    int input_count;
    int inputs[LAYER_INPUTS_MAX]; // row numbers
    int conv;                     // 0-based number of the convolution in creation order; -1 for other kinds
};

struct network {
    int layer_count;
    const struct layer *layers; // [0] is the input
    int conv_count;
    const int *convs; // [conv_count] row of each convolution, in creation order
};

// The layer of convolution number `conv`.
static inline const struct layer *network_conv(const struct network *network, int conv)
{
    return &network->layers[network->convs[conv]];
}

// The one network there is. Built on first use; lives as long as the program. Thread-safe.
const struct network *network_inception_v3(void);

// The row of a layer by name, or -1. `activation_N` is another name for `conv2d_N`: the output of a convolution here is always
// what comes after its batch normalisation and ReLU.
int network_find(const struct network *network, const char *name);

// Output size along one direction for an input of `size`; below 1 where the layer has no output. `kernel` is kernel_h or kernel_w.
int layer_output_size(const struct layer *layer, int kernel, int size);

// How one layer sees the image, in image pixels.
struct receptive_field {
    int size;   // pixels along one side that one output value depends on
    int stride; // pixels between neighbouring output values
    int centre; // pixel in the middle of the first output value's field; output value i's is at centre + i * stride
};
struct receptive_field network_receptive_field(const struct network *network, int layer);

// Whether the layers behind this row see the image only through it: mixed0 ... mixed10, the stem's layers and the input (row 0), but no
// layer inside a block.
bool network_is_cut(const struct network *network, int row);

// Size of a layer's output for an image of width x height; below 1 where it has none.
void network_output_size(const struct network *network, int layer, int width, int height, int *output_width, int *output_height);
